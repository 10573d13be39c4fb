"""Skiff's Python runtime: a zygote that forks instances, and what each instance does.

The zygote imports what functions commonly need, once. For every order it forks a process that walls itself in
(native code, loaded from /var/runtime/libskiffcell.so) and forks the runtime proper, which warms itself, takes code
and then runs one event at a time. Frames on descriptors 3 and 4 are described beside the worker's side of them.

Nothing here trusts that user code behaves; nothing outside trusts what this process says after user code ran.
"""

import sys  # noqa
# What Python has imported before it looks at anybody's code, `site` included: a file of such a name is never used.
ITS_OWN = frozenset(sys.modules).union(sys.builtin_module_names, (
    "_collections_abc", "_sitebuiltins", "abc", "codecs", "genericpath", "io", "os", "posixpath", "site", "stat"))
import _random, base64, binascii, bisect, calendar, codecs, collections, collections.abc, concurrent.futures  # noqa
import contextlib, copy, csv, ctypes, datetime, decimal, email, enum, fnmatch, functools, gc  # noqa
import glob, gzip, hashlib, heapq, hmac, html, http.client, importlib, importlib.machinery, importlib.util  # noqa
import inspect, io, itertools, json, logging, logging.handlers, marshal, math, mimetypes, operator, os  # noqa
import os.path, pathlib, pickle, pkgutil, queue, random, re, secrets, select, shlex, shutil, signal, site  # noqa
import socket, ssl, stat, statistics, string, struct, subprocess, sys, tempfile, textwrap, threading, time  # noqa
import traceback, types, typing, urllib.error, urllib.parse, urllib.request, uuid, warnings, weakref  # noqa
import xml.etree.ElementTree, zipfile, zlib  # noqa
try:
    import dataclasses  # noqa: from 3.7 on
except ImportError:
    pass

# What the instances do with it afterwards must not reach what the platform does.
_read, _write, _getpid, _exit = os.read, os.write, os.getpid, os._exit
_json_loads, _dumps, _pack, _unpack = json.loads, json.dumps, struct.pack, struct.unpack_from
_scan = json.JSONDecoder().scan_once
_open, _close, _listdir, _chdir, _hostname = os.open, os.close, os.listdir, os.chdir, socket.gethostname
# `os.environ` as it is kept: its own methods would take as long as everything else of taking code together.
_variables, _putenv, _unsetenv = os.environ._data, os.putenv, os.unsetenv
_entropy, _urandom, _random_instance, _main_thread = ssl.RAND_add, os.urandom, random._inst, threading.main_thread()
_import = importlib.import_module
_seed = _random.Random.seed
# Holds the interpreter's lock, as the only thread does anyway.
_fork = ctypes.PyDLL(None, use_errno=True).fork
_monotonic = time.monotonic
# What Python does before and after a fork of its own; before 3.7 there is only an after.
_before_fork = getattr(ctypes.pythonapi, "PyOS_BeforeFork", int)
_after_fork = getattr(ctypes.pythonapi, "PyOS_AfterFork_Child", None) or ctypes.pythonapi.PyOS_AfterFork

REQUESTS, RESPONSES = 3, 4
LOAD, INVOKE, COMPILE, KEEP, RESTORE, FORK, PREPARE = range(1, 8)
READY, WARM, LOADED, NO_HANDLER, LOAD_FAILED, RETURNED, RAISED, TOO_LARGE, COMPILED, COMPILE_DONE = range(1, 11)

USER_CODE = "/var/user"
# Where the interpreter's own libraries are that the loader would not find: what it was started with beyond the usual.
LIBRARIES = os.environ.get("LD_LIBRARY_PATH", "").replace("/var/user:/opt", "", 1).encode()
OWN_FILE = __file__ if "__file__" in globals() else "<skiff>"
WARM_CODE = "/var/runtime/python/warm"
MEMORY = "/var/runtime/python/memory.py"
KEPT = 14
# Longest order that an instance is given that goes on from what was kept.
LETTER_BYTES_MAX = 1 << 16
# As large as what comes in earnest.
WARM_ORDER = json.dumps({
    "environment": [[f"SKIFF_WARM_{number}", "warm"] for number in range(24)],
    "result_bytes_max": 1 << 20,
    "handler": "skiff_warm.main_handler",
}).encode()
WARM_EVENT = struct.pack("<I", 19) + b'{"request_id": "x"}' + b'{"a": [1, 2.5, "x", null, true], "b": {"c": "d"}}'
# Whether byte code may say that it is not to be held against its source (PEP 552), and how it begins then.
HASHED = sys.version_info >= (3, 7)
UNCHECKED = importlib.util.MAGIC_NUMBER + struct.pack("<I", 1)
# A source larger than this is compiled when it is imported, not when it is deployed.
COMPILE_SOURCE_BYTES_MAX = 2 << 20


# --- frames -----------------------------------------------------------------------------------------------------------

_requests = select.poll()
_requests.register(REQUESTS, select.POLLIN)
_comes_within = _requests.poll
# Native code that gives memory back and waits for a request, and how often an instance may still take the time.
_give_back, _thrift = None, 200
# Gives back what the C library keeps of memory that was freed, where the library is one that can.
_trim = getattr(ctypes.CDLL(None), "malloc_trim", int)
# Whether this is a function's yet. A stem cell keeps its own pages: they are what taking code does not wait for.
_loaded = False
# An instance without an event for so long is idle.
IDLE_MILLISECONDS = 2000


def rest():
    """While there is nothing to do: what is again as it was in the zygote is shared with it again."""
    global _thrift
    if _loaded and _give_back is not None and _thrift > 0 and not _comes_within(IDLE_MILLISECONDS):
        _thrift -= 1
        _trim(0)
        _give_back(REQUESTS)


# What came together with the last request.
_more = b""


def receive():
    """The next request: kind, sequence, body."""
    global _more
    if _more:
        chunk, _more = _more, b""
    else:
        rest()
        chunk = _read(REQUESTS, 65536)
    while len(chunk) < 12:
        more = _read(REQUESTS, 65536)
        if not more:
            _exit(0)
        chunk += more
    length, kind, sequence = _unpack("<III", chunk)
    missing = 12 + length - len(chunk)
    if missing > 0:
        chunk = bytearray(chunk)
        while missing > 0:
            more = _read(REQUESTS, min(missing, 1 << 20))
            if not more:
                _exit(0)
            chunk += more
            missing -= len(more)
    elif missing < 0:
        chunk, _more = chunk[:missing], chunk[missing:]
    return kind, sequence, memoryview(chunk)[12:]


def send(kind, sequence, body=b""):
    """One response."""
    frame = _pack("<III", len(body), kind, sequence) + body
    written = _write(RESPONSES, frame)
    while written < len(frame):
        frame = memoryview(frame)[written:]
        written = _write(RESPONSES, frame)


def fault(error, skip_platform=True):
    """What an error looks like to its user: without the frames above the user's own."""
    frames = error.__traceback__
    if skip_platform:
        while frames is not None and _is_platform(frames.tb_frame.f_code.co_filename):
            frames = frames.tb_next
    try:
        stack = "".join(traceback.format_exception(type(error), error, frames)).rstrip("\n")
        message = "".join(traceback.format_exception_only(type(error), error)).strip().rsplit("\n", 1)[-1]
    except BaseException:  # an error whose text cannot be made is still an error
        stack, message = "", type(error).__name__
    return _report(message, stack)


def _report(message, stack):
    """As JSON. Half a character is no text: in its place stands what stands for a character that is lost."""
    whole = [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in (message, stack)]
    return _dumps({"message": whole[0], "stackTrace": whole[1]}).encode()


def not_json(error):
    """What a result that is not JSON looks like: no line of the user's code is to blame, so there are no frames."""
    try:
        message = "".join(traceback.format_exception_only(type(error), error)).strip().rsplit("\n", 1)[-1]
    except BaseException:
        message = type(error).__name__
    return _report(message, f"The handler's result is not JSON:\n{message}")


def _is_platform(filename):
    return filename == OWN_FILE or filename.startswith("<frozen importlib") or filename.endswith("importlib/__init__.py")


def _loads(text):
    """`json.loads`. What it does before it scans takes longer than scanning a small event."""
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        end = -1
    # What stands around a value, and what is none, is left to the whole.
    return value if end == len(text) else _json_loads(text)


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # the user may have closed or replaced it
            pass


# --- the instance -----------------------------------------------------------------------------------------------------

class Instance:
    """One function's code, initialised, and the events it runs."""

    def __init__(self):
        self.entry = ""
        self.has_layers = False
        self.handler = None
        self.environment = []
        self.result_bytes_max = 0
        self.pid = _getpid()

    def prepare(self, body):
        """Takes the order to load before the code is there."""
        order = _loads(str(body, "utf-8"))
        self.entry = order["handler"]
        self.has_layers = "layers" in order
        self.environment = order["environment"]
        set_variable(b"HOSTNAME", _hostname().encode())
        for key, value in self.environment:
            set_variable(key.encode("utf-8", "surrogateescape"), value.encode("utf-8", "surrogateescape"))
        # Children that are this interpreter again need its libraries, too.
        set_variable(b"LD_LIBRARY_PATH", _variables.get(b"LD_LIBRARY_PATH", b"") + LIBRARIES)
        self.result_bytes_max = order["result_bytes_max"]

    def load(self, body, folder=USER_CODE, read=None):
        """Takes code: the kind and body of the answer. The order is in the body, or came before."""
        if body:
            self.prepare(body)
        if self.has_layers:
            make_way("/opt")
        _chdir(folder)
        sys.path[:0] = [folder, "/opt"]
        sys.argv = [folder]
        module_name, _, function_name = self.entry.rpartition(".")
        started = _monotonic()
        try:
            module = import_entry(module_name, folder, read or read_file)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            missing = isinstance(error, ModuleNotFoundError) and error.name is not None
            path = module_name.replace(".", "/") + ".py"
            if missing and (module_name + ".").startswith(error.name + ".") and not os.path.exists(path):
                text = f"{path} is not in the package (Handler is {self.entry})"
                return NO_HANDLER, _dumps({"message": text}).encode()
            return LOAD_FAILED, fault(error)
        handler = getattr(module, function_name, None)
        if not callable(handler):
            what = "has no function" if handler is None else "has something that is no function:"
            text = f"{module_name.replace('.', '/')}.py {what} {function_name} (Handler is {self.entry})"
            if module_name.split(".", 1)[0] in ITS_OWN:
                text = (f"{module_name} is a module that Python has imported before it looks at a package, so no file of that "
                        f"name is used (Handler is {self.entry}): give the file another one")
            return NO_HANDLER, _dumps({"message": text}).encode()
        self.handler = handler
        return LOADED, str(int((_monotonic() - started) * 1e6)).encode()

    def go_on(self, body):
        """Takes the order to load what is loaded already, by the process this one was kept of: the kind and body of the
        answer. What of its variables is another one's is set; what the code has set stays."""
        self.pid = _main_thread._native_id = _getpid()
        known = dict(self.environment)
        if "HOSTNAME" not in known:
            set_variable(b"HOSTNAME", _hostname().encode())
        for key, value in _loads(str(body, "utf-8"))["environment"]:
            if known.get(key) != value:
                set_variable(key.encode("utf-8", "surrogateescape"), value.encode("utf-8", "surrogateescape"))
        return LOADED, b"0"

    def run(self, body):
        """Runs one event: the kind and body of the answer."""
        (length,) = _unpack("<I", body)
        try:
            context = _loads(str(body[4:4 + length], "utf-8"))
            event = _loads(str(body[4 + length:], "utf-8"))
            value = self.handler(event, context)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # a cancelled task's among them
            return RAISED, fault(error)
        try:
            result = _encode(value).encode("utf-8")
        except Exception as error:
            return RAISED, not_json(error)
        if len(result) > self.result_bytes_max:
            return TOO_LARGE, str(len(result)).encode()
        return RETURNED, result

    def answer(self, kind, sequence, body):
        """Answers, unless this is a copy of the instance that the user's code forked."""
        flush()
        if _getpid() != self.pid:
            _exit(0)
        send(kind, sequence, body)


def set_variable(key, value):
    _putenv(key, value)
    _variables[key] = value


def read_file(path):
    file = _open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = chunk = _read(file, 65536)
        while len(chunk) == 65536:
            chunk = _read(file, 65536)
            content += chunk
        return content
    finally:
        _close(file)


# A specification as its constructor makes it, of nothing in particular.
_Loader, _Spec, _new = importlib.machinery.SourceFileLoader, importlib.machinery.ModuleSpec, object.__new__
_example = _Spec("x", None, origin="x")
_example.has_location = True
SPEC = dict(_example.__dict__)


def entry_of(name):
    """Where the byte code of a module of the package's first folder is once more, of modules that an import finds for sure and
    where nothing must make way: to see that takes longer than to read it."""
    return f"__pycache__/{name}.{sys.implementation.cache_tag}.skiff-compiled"


def modules_in(folder):
    """The names of the modules and packages that an import finds in a folder."""
    suffixes = importlib.machinery.all_suffixes()
    for entry in _listdir(folder):
        names = [entry[:-len(suffix)] for suffix in suffixes if entry.endswith(suffix)]
        if names or os.path.isfile(f"{folder}/{entry}/__init__.py"):
            yield min(names, key=len) if names else entry


def in_the_way(folder):
    """Which of them would not be found, as the zygote has imported others of that name."""
    return {name for name in modules_in(folder) if name in sys.modules and name not in ITS_OWN}


def make_way(folder):
    """Forgets what the zygote has imported under names that modules of the folder have: they come first, as they do where
    nothing was imported before. What has been imported goes on with what it has."""
    names = in_the_way(folder)
    for name in [name for name in sys.modules if name.split(".", 1)[0] in names]:
        del sys.modules[name]


def import_entry(name, folder, read):
    """`importlib.import_module`, in a third of the time and memory for what nearly every function begins in: a module
    of one file that was compiled when it was deployed. Everything else is importlib's."""
    path, cached = f"{folder}/{name}.py", f"{folder}/__pycache__/{name}.{sys.implementation.cache_tag}.pyc"
    try:
        content = read(f"{folder}/{entry_of(name)}")
    except OSError:
        content = b""
    # Not within the `except`: what fails then would have a cause.
    if not content or not content.startswith(UNCHECKED if HASHED else _head(b"", path)):
        make_way(folder)
        return _import(name)
    code = marshal.loads(memoryview(content)[16 if HASHED else 12:])
    module = types.ModuleType(name)
    module.__file__, module.__cached__, module.__package__ = path, cached, ""
    module.__loader__ = loader = _new(_Loader)
    loader.name, loader.path = name, path
    module.__spec__ = spec = _new(_Spec)
    spec.__dict__.update(SPEC)
    spec.name, spec.loader, spec.origin, spec._cached = name, loader, path, cached
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    # As an import does: a module may put something else in its place.
    return sys.modules[name]


def _plain(value):
    """What JSON has no word for and the platform gives one."""
    if isinstance(value, decimal.Decimal):
        return str(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_plain).encode


def _head(text, path):
    """How the byte code of this source begins: hash-based and unchecked, since the package never changes. 3.6 goes by
    time and size, and every file of a package has the same time."""
    if HASHED:
        return UNCHECKED + importlib.util.source_hash(text)
    about = os.stat(path)
    return importlib.util.MAGIC_NUMBER + _pack("<II", int(about.st_mtime) & 0xFFFFFFFF, about.st_size & 0xFFFFFFFF)


def _byte_code(text, path):
    """What goes into a .pyc."""
    return _head(text, path) + marshal.dumps(compile(text, path, "exec", dont_inherit=True))


def compile_sources(sequence):
    """Sends the byte code of every source of the package; what does not compile says so when it is imported."""
    way_is_to_be_made = in_the_way(USER_CODE)
    for folder, folders, files in os.walk(USER_CODE):
        folders.sort()
        beside = set(folders + files)
        for name in sorted(files):
            path = os.path.join(folder, name)
            if not name.endswith(".py") or os.path.islink(path) or os.path.getsize(path) > COMPILE_SOURCE_BYTES_MAX:
                continue
            try:
                with open(path, "rb") as source:
                    text = source.read()
                content = _byte_code(text, path)
            except Exception:
                continue
            send_compiled(sequence, os.path.relpath(importlib.util.cache_from_source(path), USER_CODE), content)
            if folder == USER_CODE and not way_is_to_be_made and is_found_first(name[:-3], beside):
                send_compiled(sequence, entry_of(name[:-3]), content)
    send(COMPILE_DONE, sequence)


def is_found_first(module, beside):
    """Whether an import of that name finds the source, and none of what lies beside it or is there already."""
    before = [module + suffix for suffix in ["", *importlib.machinery.EXTENSION_SUFFIXES]]
    return "." not in module and module not in sys.modules and beside.isdisjoint(before)


def send_compiled(sequence, path, content):
    path = path.encode()
    send(COMPILED, sequence, _pack("<I", len(path)) + path + content)


_warm = []


def read_warm(path):
    """Stands for `read_file` of byte code, which the warm-up's module has none of: its folder cannot be written to."""
    source = WARM_CODE + "/skiff_warm.py"
    text = read_file(source)
    if not _warm:
        _warm.append(_byte_code(text, source))
    return _warm[0]


def warm_up():
    """Takes code and runs an event, so that the pages this touches are the instance's own before a call waits.

    What else a function may do, fail above all, is left to it: every page is memory of every idle instance."""
    instance = Instance()
    path = list(sys.path)
    instance.prepare(WARM_ORDER)
    done = instance.load(b"", WARM_CODE, read_warm)[0], instance.run(WARM_EVENT)[0]
    if done != (LOADED, RETURNED):
        raise RuntimeError(f"the warm-up ended with {done}")
    _comes_within(0)
    sys.path[:] = path
    sys.argv = []
    for key in list(_variables):
        _unsetenv(key)
    _variables.clear()
    _chdir("/")
    sys.modules.pop("skiff_warm", None)
    return instance


def own_signals():
    """Before 3.9 the interpreter takes signals in the process alone that it knows to be its own."""
    for name in ("_PySignal_AfterFork", "PyOS_AfterFork") if sys.version_info < (3, 9) else ():
        if hasattr(ctypes.pythonapi, name):
            getattr(ctypes.pythonapi, name)()
            break


def runtime(warm):
    """One instance, from its birth to its end."""
    global _loaded
    own_signals()
    # OpenSSL tells a fork by the process id, and every instance has the same one.
    _entropy(_urandom(32), 32.0)
    _seed(_random_instance)
    _main_thread._native_id = _getpid()
    instance = Instance()
    send(READY, 0)
    if warm:
        warm_up().answer(WARM, 0, b"")
    while True:
        kind, sequence, body = receive()
        if kind == INVOKE:
            kind, answer = instance.run(body)
            instance.answer(kind, sequence, answer)
        elif kind == PREPARE:
            instance.prepare(body)
        elif kind == LOAD:
            kind, answer = instance.load(body)
            instance.answer(kind, sequence, answer)
            _loaded = True
        elif kind == COMPILE:
            compile_sources(sequence)
        elif kind == KEEP:
            kind, answer = instance.go_on(wait_to_be_kept(sequence))
            instance.answer(kind, sequence, answer)
        elif kind == FORK:
            go_on_as_child(os.fork)
            instance.pid = _getpid()
            send(READY, sequence)
        elif kind == RESTORE:
            body = bytes(body)
            raise OSError(-_cell.skiff_restore(body, len(body)), "there is nothing to become")


def wait_to_be_kept(sequence):
    """Waits to be kept, and never returns here: in each process that becomes this one it does, with the order that was
    given to it. To Python that is a fork: what modules have registered with `os.register_at_fork` runs, before it here and
    after it there."""
    flush()
    gc.collect()
    if hasattr(gc, "freeze"):
        gc.freeze()
    if _give_back is not None:
        _give_back(-1)
    letter = ctypes.create_string_buffer(LETTER_BYTES_MAX)
    frame = _pack("<III", 0, KEPT, sequence)
    _before_fork()
    _cell.skiff_before_fork()
    go_on_as_child(fork)
    length = _cell.skiff_keep(frame, len(frame), letter, LETTER_BYTES_MAX)
    if length < 0:
        raise OSError(-length, os.strerror(-length))
    _after_fork()
    draw_anew()
    return letter.raw[:length]


def go_on_as_child(fork):
    """Returns in the child of a fork, and ends with it: libraries that compute with threads of their own end them then, and
    those that draw random numbers know that they have to draw anew."""
    pid = fork()
    if pid < 0:
        raise OSError(-pid, os.strerror(-pid))
    if pid > 0:
        os.waitpid(pid, 0)
        _exit(1)


def draw_anew():
    """What draws random numbers goes on with numbers of this instance's own."""
    _entropy(_urandom(32), 32.0)
    _seed(_random_instance)
    tempfile._name_sequence = None
    # The C library's keeps a clock's sequence number in memory.
    uuid._generate_time_safe = uuid._node = uuid._last_timestamp = None
    if "numpy.random" in sys.modules:
        # As much as it would draw itself, in a tenth of the time.
        sys.modules["numpy.random"].seed(_unpack("<8I", os.urandom(32)))
    if "multiprocessing.process" in sys.modules:
        sys.modules["multiprocessing.process"].current_process().authkey = _urandom(32)


# --- the zygote -------------------------------------------------------------------------------------------------------

_memory = types.ModuleType("skiff_memory")


def settle_memory():
    """Before the first fork: everything is done once that an instance will do, and memory is laid out to be shared."""
    ssl.RAND_bytes(1)
    for folder in (USER_CODE, "/opt"):
        pkgutil.get_importer(folder)
    # Looked up once.
    for name in ("next", "born", "enter", "init", "settle", "share", "give_back"):
        getattr(_cell, "skiff_" + name)
    # The interpreter rewrites code it runs often: after this it has.
    for _ in range(16):
        warm_up()
    exec(compile(read_file(MEMORY), MEMORY, "exec"), _memory.__dict__)
    _memory.settle(fork, _cell.skiff_count_for_good)


def fork():
    """As the system call does it: a negative number where it fails. A machine that has no process left for one more
    instance must not lose those there are.

    It is the C library's fork and not Python's. What modules register with that one is for processes with threads,
    mostly making locks anew that a thread may have held: a zygote has one thread and holds none, while all that would
    copy half a megabyte for each instance. The forks of a function are Python's."""
    pid = _fork()
    return pid if pid >= 0 else -ctypes.get_errno()


def open_streams():
    """Standard streams of every instance, made once: they are pipes there, so they are made on one here."""
    read, write = os.pipe()
    for stream in (1, 2):
        saved = os.dup(stream)
        os.dup2(write, stream)
        opened = open(stream, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
        os.dup2(saved, stream)
        os.close(saved)
        if stream == 1:
            sys.stdout = sys.__stdout__ = opened
        else:
            sys.stderr = sys.__stderr__ = opened
    sys.stdin = sys.__stdin__ = open(0, "r", closefd=False)
    os.close(read)
    os.close(write)


def zygote(control):
    """Forks an instance per order until the server is gone."""
    global _cell, _give_back
    cell = _cell = ctypes.CDLL("/var/runtime/libskiffcell.so")
    failed = cell.skiff_open(control, os.getpid())
    if failed:
        raise OSError(-failed, os.strerror(-failed))
    open_streams()
    settle_memory()
    failed = cell.skiff_share()
    if failed:
        # Instances then cost more, and are as good.
        os.write(2, ("memory is not shared between instances: %s\n" % os.strerror(-failed)).encode())
    else:
        _give_back = cell.skiff_give_back
    while True:
        order = cell.skiff_next()
        if order <= 0:
            _exit(0 if order == 0 else 1)
        pid = fork()
        if pid:
            cell.skiff_born(pid)
            continue
        cell.skiff_enter()
        pid = fork()
        if pid:
            cell.skiff_init(pid)
        cell.skiff_settle()
        return order > 1


def main():
    sys.dont_write_bytecode = True
    sys.path[:] = [path for path in sys.path if path and not path.startswith("/var/runtime")]
    os.environ.clear()
    # What an interactive start would have set up: `exit` and its like.
    site.setquit()
    site.setcopyright()
    site.sethelper()
    sys.modules["__main__"].__dict__.pop("__file__", None)
    warm = zygote(int(sys.argv[1]))
    runtime(warm)


# Preloaded, so that the first use is not the function's.
decimal.Decimal("1.5"), datetime.datetime.now().isoformat(), re.compile("a"), uuid.uuid4(), hashlib.sha256(b"").digest()
socket.getaddrinfo("127.0.0.1", 80)
ssl.create_default_context
if __name__ == "__main__":
    main()
