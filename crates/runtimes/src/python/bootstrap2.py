# -*- coding: utf-8 -*-
"""Skiff's runtime for Python 2.7: what bootstrap.py is for Python 3, in the words of 2.7.

A zygote imports what functions commonly need, once. For every order it forks a process that walls itself in (native
code, loaded from /var/runtime/libskiffcell.so) and forks the runtime proper, which warms itself, takes code and then
runs one event at a time. Frames on descriptors 3 and 4 are described beside the worker's side of them.

Texts of events are unicode, as JSON's are; bytes in a result are taken for UTF-8.
"""

import sys  # noqa
# What Python has imported before it looks at anybody's code, `site` included: a file of such a name is never used.
ITS_OWN = frozenset(sys.modules).union(sys.builtin_module_names, (
    "UserDict", "_abcoll", "_weakrefset", "abc", "codecs", "copy_reg", "genericpath", "linecache", "os", "posixpath", "site",
    "stat", "types", "warnings"))
import base64, binascii, bisect, calendar, codecs, collections, contextlib, copy, csv, ctypes, datetime, decimal  # noqa
import email, fnmatch, functools, gc, glob, gzip, hashlib, heapq, hmac, httplib, imp, importlib, inspect, io  # noqa
import itertools, json, logging, logging.handlers, marshal, math, mimetypes, operator, os, pickle, pkgutil  # noqa
import Queue, random, re, select, shlex, shutil, signal, socket, ssl, stat, string, StringIO, struct  # noqa
import subprocess, sys, tempfile, textwrap, threading, time, traceback, types, urllib, urllib2, urlparse, uuid  # noqa
import warnings, weakref, xml.etree.ElementTree, zipfile, zlib  # noqa

# What the instances do with it afterwards must not reach what the platform does.
_read, _write, _getpid, _exit = os.read, os.write, os.getpid, os._exit
_loads, _dumps, _pack, _unpack = json.loads, json.dumps, struct.pack, struct.unpack_from
_import = importlib.import_module
_now = time.time
# They hold the interpreter's lock, as the only thread does anyway.
_native = ctypes.PyDLL(None, use_errno=True)
_fork, _after_fork = _native.fork, ctypes.pythonapi.PyOS_AfterFork

REQUESTS, RESPONSES = 3, 4
LOAD, INVOKE, COMPILE, KEEP, RESTORE, FORK = range(1, 7)
READY, WARM, LOADED, NO_HANDLER, LOAD_FAILED, RETURNED, RAISED, TOO_LARGE, COMPILED, COMPILE_DONE = range(1, 11)

USER_CODE = "/var/user"
# Where the interpreter's own libraries are that the loader would not find: what it was started with beyond the usual.
LIBRARIES = os.environ.get("LD_LIBRARY_PATH", "").replace("/var/user:/opt", "", 1)
OWN_FILE = __file__
WARM_CODE = "/var/runtime/python/warm"
KEPT = 14
# Longest order that an instance is given that goes on from what was kept.
LETTER_BYTES_MAX = 1 << 16
# As large as what comes in earnest.
WARM_ORDER = json.dumps({
    "environment": [["SKIFF_WARM_%d" % number, "warm"] for number in range(24)],
    "result_bytes_max": 1 << 20,
    "handler": "skiff_warm.main_handler",
})
WARM_EVENT = struct.pack("<I", 19) + b'{"request_id": "x"}' + b'{"a": [1, 2.5, "x", null, true], "b": {"c": "d"}}'
# A source larger than this is compiled when it is imported, not when it is deployed.
COMPILE_SOURCE_BYTES_MAX = 2 << 20


# --- frames -----------------------------------------------------------------------------------------------------------

def receive():
    """The next request: kind, sequence, body."""
    chunk = _read(REQUESTS, 65536)
    while len(chunk) < 12:
        more = _read(REQUESTS, 65536)
        if not more:
            _exit(0)
        chunk += more
    length, kind, sequence = _unpack("<III", chunk)
    if 12 + length == len(chunk):
        return kind, sequence, chunk[12:]
    parts, missing = [chunk[12:]], 12 + length - len(chunk)
    while missing > 0:
        more = _read(REQUESTS, min(missing, 1 << 20))
        if not more:
            _exit(0)
        parts.append(more)
        missing -= len(more)
    return kind, sequence, b"".join(parts)


def send(kind, sequence, body=b""):
    """One response."""
    frame = _pack("<III", len(body), kind, sequence) + body
    written = _write(RESPONSES, frame)
    while written < len(frame):
        frame = buffer(frame, written)
        written = _write(RESPONSES, frame)


def text_of(value):
    return value if isinstance(value, unicode) else str(value).decode("utf-8", "replace")


def last_line(kind, error):
    return text_of(b"".join(traceback.format_exception_only(kind, error))).strip().rsplit("\n", 1)[-1]


def fault(caught):
    """What an error looks like to its user: without the frames above the user's own."""
    kind, error, frames = caught
    while frames is not None and _is_platform(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    try:
        stack = text_of(b"".join(traceback.format_exception(kind, error, frames))).rstrip("\n")
        message = last_line(kind, error)
    except Exception:  # an error whose text cannot be made is still an error
        stack, message = u"", text_of(getattr(kind, "__name__", "error"))
    return _dumps({"message": message, "stackTrace": stack})


def not_json(kind, error):
    """What a result that is not JSON looks like: no line of the user's code is to blame, so there are no frames."""
    try:
        message = last_line(kind, error)
    except Exception:
        message = text_of(kind.__name__)
    return _dumps({"message": message, "stackTrace": u"The handler's result is not JSON:\n" + message})


def _is_platform(filename):
    return filename == OWN_FILE or filename.endswith("/importlib/__init__.py")


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # the user may have closed or replaced it
            pass


# --- the instance -----------------------------------------------------------------------------------------------------

class Instance(object):
    """One function's code, initialised, and the events it runs."""

    def __init__(self):
        self.handler = None
        self.environment = []
        self.result_bytes_max = 0
        self.pid = _getpid()

    def load(self, body, folder=USER_CODE):
        """Takes code: the kind and body of the answer."""
        order = _loads(body)
        os.environ.clear()
        self.environment = order["environment"]
        for key, value in self.environment:
            os.environ[key.encode("utf-8")] = value.encode("utf-8")
        os.environ.setdefault("HOSTNAME", os.uname()[1])
        # Children that are this interpreter again need its libraries, too.
        os.environ["LD_LIBRARY_PATH"] = os.environ.get("LD_LIBRARY_PATH", "") + LIBRARIES
        self.result_bytes_max = order["result_bytes_max"]
        os.chdir(folder)
        for place in (folder, "/opt"):
            make_way(place)
        sys.path[:0] = [folder, "/opt"]
        sys.argv = [folder]
        name = order["handler"].encode("utf-8")
        module_name, _, function_name = name.rpartition(".")
        started = _now()
        try:
            module = _import(module_name)
        except (SystemExit, KeyboardInterrupt):
            raise
        except:  # noqa: classes of the old kind are raised, too
            caught = sys.exc_info()
            path = module_name.replace(".", "/") + ".py"
            if is_missing(module_name, caught) and not os.path.exists(path):
                text = "%s is not in the package (Handler is %s)" % (path, name)
                return NO_HANDLER, _dumps({"message": text})
            return LOAD_FAILED, fault(caught)
        handler = getattr(module, function_name, None)
        if not callable(handler):
            what = "has no function" if handler is None else "has something that is no function:"
            text = "%s.py %s %s (Handler is %s)" % (module_name.replace(".", "/"), what, function_name, name)
            if module_name.split(".", 1)[0] in ITS_OWN:
                text = ("%s is a module that Python has imported before it looks at a package, so no file of that name is used "
                        "(Handler is %s): give the file another one" % (module_name, name))
            return NO_HANDLER, _dumps({"message": text})
        self.handler = handler
        return LOADED, str(max(0, int((_now() - started) * 1e6)))

    def go_on(self, body):
        """Takes the order to load what is loaded already, by the process this one was kept of: the kind and body of the
        answer. What of its variables is another one's is set; what the code has set stays."""
        self.pid = _getpid()
        known = dict(self.environment)
        for key, value in _loads(body)["environment"]:
            if known.get(key) != value:
                os.environ[key.encode("utf-8")] = value.encode("utf-8")
        if "HOSTNAME" not in known:
            os.environ["HOSTNAME"] = os.uname()[1]
        return LOADED, "0"

    def run(self, body):
        """Runs one event: the kind and body of the answer."""
        length, = _unpack("<I", body)
        try:
            context, event = _loads(body[4:4 + length]), _loads(body[4 + length:])
            value = self.handler(event, context)
        except (SystemExit, KeyboardInterrupt):
            raise
        except:  # noqa: classes of the old kind are raised, too
            return RAISED, fault(sys.exc_info())
        try:
            result = _encode(value)
            if isinstance(result, unicode):
                result = result.encode("utf-8")
        except Exception as error:
            return RAISED, not_json(type(error), error)
        if len(result) > self.result_bytes_max:
            return TOO_LARGE, str(len(result))
        return RETURNED, result

    def answer(self, kind, sequence, body):
        """Answers, unless this is a copy of the instance that the user's code forked."""
        sys.exc_clear()
        flush()
        if _getpid() != self.pid:
            _exit(0)
        send(kind, sequence, body)


# Modules that nobody finds any more: one that nobody holds any more would be emptied, with functions of it still in use.
_forgotten = []


def make_way(folder):
    """Forgets what the zygote has imported under names that modules of the folder have: they come first, as they do where
    nothing was imported before. What has been imported goes on with what it has."""
    entries = os.listdir(folder)
    names = set(entry.split(".", 1)[0] for entry in entries if entry.endswith((".py", ".pyc", ".so")))
    names.update(entry for entry in entries if os.path.isfile("%s/%s/__init__.py" % (folder, entry)))
    for name in list(sys.modules):
        top = name.split(".", 1)[0]
        if top in names and top not in ITS_OWN:
            _forgotten.append(sys.modules.pop(name))


def is_missing(module_name, caught):
    """Whether an import failed for want of the module itself, and not of one that it imports."""
    kind, error, frames = caught
    while frames is not None and _is_platform(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    words = str(error) if kind is ImportError else ""
    named = words.startswith("No module named ") and words[len("No module named "):]
    return frames is None and bool(named) and ("." + module_name).endswith("." + named)


def _plain(value):
    """What JSON has no word for and the platform gives one."""
    if isinstance(value, decimal.Decimal):
        return str(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


# By any other name than `utf-8` the encoder takes bytes for texts of that encoding, and does not mix the two.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_plain, encoding="utf8").encode


def compile_sources(sequence):
    """Sends the byte code of every source of the package; what does not compile says so when it is imported."""
    for folder, folders, files in os.walk(USER_CODE):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(folder, name)
            if not name.endswith(".py") or os.path.islink(path) or os.path.getsize(path) > COMPILE_SOURCE_BYTES_MAX:
                continue
            try:
                with open(path, "U") as source:
                    text = source.read()
                code = marshal.dumps(compile(text + "\n", path, "exec", 0, True))
                time_of_source = int(os.stat(path).st_mtime) & 0xFFFFFFFF
            except Exception:
                continue
            relative = os.path.relpath(path, USER_CODE) + "c"
            content = imp.get_magic() + _pack("<I", time_of_source) + code
            send(COMPILED, sequence, _pack("<I", len(relative)) + relative + content)
    send(COMPILE_DONE, sequence)


def warm_up():
    """Takes code and runs an event, so that the pages this touches are the instance's own before a call waits."""
    instance = Instance()
    path = list(sys.path)
    done = instance.load(WARM_ORDER, WARM_CODE)[0], instance.run(WARM_EVENT)[0]
    if done != (LOADED, RETURNED):
        raise RuntimeError("the warm-up ended with %r" % (done,))
    sys.path[:] = path
    sys.argv = []
    os.environ.clear()
    os.chdir("/")
    sys.modules.pop("skiff_warm", None)


def runtime(warm):
    """One instance, from its birth to its end."""
    # The interpreter takes signals in the process alone that it knows to be its own.
    _after_fork()
    # OpenSSL tells a fork by the process id, and every instance has the same one.
    ssl.RAND_add(os.urandom(32), 32.0)
    random.seed()
    instance = Instance()
    send(READY, 0)
    if warm:
        warm_up()
        send(WARM, 0)
    while True:
        kind, sequence, body = receive()
        if kind == INVOKE:
            kind, answer = instance.run(body)
            instance.answer(kind, sequence, answer)
        elif kind == LOAD:
            kind, answer = instance.load(body)
            instance.answer(kind, sequence, answer)
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
            raise OSError(-_cell.skiff_restore(bytes(body), len(body)), "there is nothing to become")


def wait_to_be_kept(sequence):
    """Waits to be kept, and never returns here: in each process that becomes this one it does, with the order that was
    given to it. To Python that is a fork."""
    flush()
    gc.collect()
    # The interpreter keeps this one open, and opens it again where it is not.
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink("/proc/self/fd/" + name) == "/dev/urandom":
                os.close(int(name))
        except OSError:
            pass
    letter = ctypes.create_string_buffer(LETTER_BYTES_MAX)
    frame = _pack("<III", 0, KEPT, sequence)
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
    ssl.RAND_add(os.urandom(32), 32.0)
    random.seed()
    tempfile._name_sequence = None
    # The C library's keeps a clock's sequence number in memory.
    uuid._uuid_generate_time = uuid._node = uuid._last_timestamp = None
    if "numpy.random" in sys.modules:
        # As much as it would draw itself, in a tenth of the time.
        sys.modules["numpy.random"].seed(_unpack("<8I", os.urandom(32)))
    if "multiprocessing.process" in sys.modules:
        sys.modules["multiprocessing.process"].current_process().authkey = os.urandom(32)


# --- the zygote -------------------------------------------------------------------------------------------------------

def settle_memory():
    """Before the first fork: everything is done once that an instance will do, and what is free is given back."""
    for folder in (USER_CODE, "/opt"):
        pkgutil.get_importer(folder)
    for _ in range(4):
        warm_up()
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except AttributeError:  # not this C library
        pass


def fork():
    """As the system call does it: a negative number where it fails. A machine that has no process left for one more
    instance must not lose those there are."""
    pid = _fork()
    return pid if pid >= 0 else -ctypes.get_errno()


def open_streams():
    """Lines go out as they end, and texts of unicode as UTF-8."""
    stdout = ctypes.c_void_p.in_dll(_native, "stdout")
    by_line = 1
    _native.setvbuf(stdout, None, by_line, 0)
    name_encoding = ctypes.pythonapi.PyFile_SetEncodingAndErrors
    name_encoding.argtypes = [ctypes.py_object, ctypes.c_char_p, ctypes.c_char_p]
    for stream in (sys.stdout, sys.stderr):
        name_encoding(stream, b"utf-8", b"backslashreplace")


def zygote(control):
    """Forks an instance per order until the server is gone."""
    global _cell
    cell = _cell = ctypes.CDLL("/var/runtime/libskiffcell.so")
    failed = cell.skiff_open(control, os.getpid())
    if failed:
        raise OSError(-failed, os.strerror(-failed))
    open_streams()
    settle_memory()
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
    # What an interactive start would have set up: `exit` and its like. It looks for packages of the distribution, too,
    # which are its own.
    own = [path for path in sys.path if path and not path.startswith("/var/runtime")]
    import site  # noqa
    sys.path[:] = own
    os.environ.clear()
    sys.modules["__main__"].__dict__.pop("__file__", None)
    warm = zygote(int(sys.argv[1]))
    runtime(warm)


# Preloaded, so that the first use is not the function's.
decimal.Decimal("1.5"), datetime.datetime.now().isoformat(), re.compile("a"), uuid.uuid4(), hashlib.sha256(b"").digest()
u"".encode("utf-8"), "".decode("utf8")
socket.getaddrinfo("127.0.0.1", 80)
if __name__ == "__main__":
    main()
