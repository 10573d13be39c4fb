"""The memory of a zygote, laid out to be shared: instances are copies of it, and every page they write to is one more.

What is free is scattered over all pages, between what is used. Whatever an instance made would go there, and copy a page
for each few bytes: a quarter of a megabyte for some hundred small objects. So what is free is taken, for good, and new
things stand together on pages of their own.
"""
import ctypes, gc, os, struct, sys  # noqa

# What takes up free places.
_kept = []


def settle(fork):
    """Takes what is free. Allocate as little as can be afterwards, before the first fork."""
    gc.collect()
    # Twice: what the first time is made meanwhile leaves places free, too.
    for _ in range(2):
        take_places(fork)
    if hasattr(gc, "freeze"):  # from 3.7 on
        gc.freeze()
    take_heap()


def take_places(fork):
    """Takes the free places between the interpreter's small objects."""
    head = sys.getsizeof(b"")
    for size, count in struct.iter_unpack("<II", free_places(fork)):
        take = (lambda: bytes(size - head)) if size > head else object
        _kept.append([take() for _ in range(count)])


def free_places(fork):
    """How many places of each size are free: pairs of 32 bits. The interpreter tells by a table for people to read; where
    it is another, this is nothing. A copy reads it, so that reading changes nothing."""
    read, write = os.pipe()
    pid = fork()
    if pid == 0:
        try:
            with open(memory_file(), "w+b") as table:
                os.dup2(table.fileno(), 2)
                sys._debugmallocstats()
                table.seek(0)
                rows = [line.split() for line in table.read().decode().splitlines()]
            # class, size, pools, blocks in use, free blocks
            rows = [row for row in rows if len(row) == 5 and all(word.isdigit() for word in row)]
            os.write(write, b"".join(struct.pack("<II", int(row[1]), int(row[4])) for row in rows))
        finally:
            os._exit(0)
    os.close(write)
    places = os.read(read, 4096)
    os.close(read)
    if pid > 0:
        os.waitpid(pid, 0)
    return places


def memory_file():
    if hasattr(os, "memfd_create"):  # from 3.8 on
        return os.memfd_create("table")
    return ctypes.CDLL(None).memfd_create(b"table", 1)


def take_heap():
    """Takes the free places of the C library's heap, of each size until one comes from its end."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "malloc_trim"):  # not this C library
        return
    malloc = library.malloc
    malloc.restype = ctypes.c_void_p
    library.malloc_trim(0)
    end = malloc(96 << 10)
    # Downwards, or a large place would be cut up for small ones. Above, the library maps each alone.
    for size in [kilobytes << 10 for kilobytes in (64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2)] + list(range(1792, 0, -16)):
        while end and malloc(size) < end:
            pass
