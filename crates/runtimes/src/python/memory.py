"""The memory of a zygote, laid out to be shared: instances are copies of it, and every page they write to is one more.

What is free is scattered over all pages, between what is used. Whatever an instance made would go there, and copy a page
for each few bytes: a quarter of a megabyte for some hundred small objects. So what is free is taken, for good, and new
things stand together on pages of their own.

What is used is written to as well: looking at an object counts a reference to it. All there is stays for good, so all is
counted for good: a page on which an instance has counted and done nothing else is as good as the zygote's.
"""
import array, ctypes, gc, itertools, os, struct, sys, types  # noqa

# What takes up free places.
_kept = []


def settle(fork, count_for_good):
    """Counts for good what there is, and takes what is free. Allocate as little as can be afterwards, before the first
    fork."""
    gc.collect()
    if counts_as_ever():
        count_objects(count_for_good)
    # Twice: what the first time is made meanwhile leaves places free, too.
    for _ in range(2):
        take_places(fork)
    if hasattr(gc, "freeze"):  # from 3.7 on
        gc.freeze()
    take_heap()


def counts_as_ever():
    """Whether an object begins with its count, as a whole word. From 3.12 on the interpreter counts some for good itself, in
    a word with other things in it."""
    thing = object()
    return sys.version_info < (3, 12) and ctypes.c_size_t.from_address(id(thing)).value == sys.getrefcount(thing) - 1


def count_objects(count_for_good):
    """Counts for good all that can be reached from what the collector knows, and what is there once."""
    found = gc.get_objects() + [chr(code) for code in range(256)] + [bytes((code,)) for code in range(256)]
    found += list(range(-5, 257)) + [None, True, False, Ellipsis, NotImplemented, (), "", b"", frozenset()]
    while found:
        # What runs here is not there for good.
        found = [thing for thing in found if type(thing) is not types.FrameType]
        places, news = array.array("Q", map(id, found)), bytearray(len(found))
        count_for_good(*(buffer(items) for items in (places, news)), len(found))
        found = list(itertools.compress(found, news))
        found = gc.get_referents(*found) + [part for thing in found for part in hidden_parts(thing)]


def buffer(items):
    return (ctypes.c_char * 0).from_buffer(items)


def hidden_parts(thing):
    """What the collector is not told of, as what it looks for cannot be in it."""
    kind = type(thing)
    if kind is types.CodeType:
        texts = thing.co_varnames + thing.co_freevars + thing.co_cellvars
        return texts + (thing.co_names, thing.co_consts, thing.co_filename, thing.co_name)
    if issubclass(kind, type):
        # Without what is made here to look at it.
        return gc.get_referents(type.__dict__["__dict__"].__get__(thing)) + [type.__dict__["__mro__"].__get__(thing)]
    return ()


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
