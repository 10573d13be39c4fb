"""Skiff's Python runtime: a zygote that forks instances, and what each instance does.

The zygote imports what functions commonly need, once. For every order it forks a process that walls itself in
(native code, loaded from /var/runtime/libskiffcell.so) and forks the runtime proper, which warms itself, takes code
and then runs one event at a time. Frames on descriptors 3 and 4 are described beside the worker's side of them.

Nothing here trusts that user code behaves; nothing outside trusts what this process says after user code ran.
"""

import base64, binascii, bisect, calendar, codecs, collections, collections.abc, concurrent.futures, contextlib  # noqa
import copy, csv, ctypes, dataclasses, datetime, decimal, email, enum, fnmatch, functools, gc, glob, gzip  # noqa
import hashlib, heapq, hmac, html, http.client, importlib, importlib.util, inspect, io, itertools, json  # noqa
import logging, logging.handlers, marshal, math, mimetypes, operator, os, os.path, pathlib, pickle, queue  # noqa
import random, re, secrets, select, shlex, shutil, signal, site, socket, ssl, stat, statistics, string  # noqa
import struct, subprocess, sys, tempfile, textwrap, threading, time, traceback, types, typing  # noqa
import urllib.error, urllib.parse, urllib.request, uuid, warnings, weakref, xml.etree.ElementTree, zipfile, zlib  # noqa

# What the instances do with it afterwards must not reach what the platform does.
_read, _write, _getpid, _exit = os.read, os.write, os.getpid, os._exit
_loads, _dumps, _pack, _unpack = json.loads, json.dumps, struct.pack, struct.unpack_from
_monotonic = time.monotonic_ns

REQUESTS, RESPONSES = 3, 4
LOAD, INVOKE, COMPILE = 1, 2, 3
READY, WARM, LOADED, NO_HANDLER, LOAD_FAILED, RETURNED, RAISED, TOO_LARGE, COMPILED, COMPILE_DONE = range(1, 11)

USER_CODE = "/var/user"
OWN_FILE = __file__ if "__file__" in globals() else "<skiff>"
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
    missing = 12 + length - len(chunk)
    if missing > 0:
        chunk = bytearray(chunk)
        while missing > 0:
            more = _read(REQUESTS, min(missing, 1 << 20))
            if not more:
                _exit(0)
            chunk += more
            missing -= len(more)
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
    return _dumps({"message": message, "stackTrace": stack}).encode()


def not_json(error):
    """What a result that is not JSON looks like: no line of the user's code is to blame, so there are no frames."""
    try:
        message = "".join(traceback.format_exception_only(type(error), error)).strip().rsplit("\n", 1)[-1]
    except BaseException:
        message = type(error).__name__
    return _dumps({"message": message, "stackTrace": f"The handler's result is not JSON:\n{message}"}).encode()


def _is_platform(filename):
    return filename == OWN_FILE or filename.startswith("<frozen importlib") or filename.endswith("importlib/__init__.py")


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
        self.handler = None
        self.result_bytes_max = 0
        self.pid = _getpid()

    def load(self, sequence, body):
        order = _loads(bytes(body))
        os.environ.clear()
        for key, value in order["environment"]:
            os.environ[key] = value
        os.environ["HOSTNAME"] = os.uname().nodename
        self.result_bytes_max = order["result_bytes_max"]
        os.chdir(USER_CODE)
        sys.path[:0] = [USER_CODE, "/opt"]
        sys.argv = [USER_CODE]
        module_name, _, function_name = order["handler"].rpartition(".")
        started = _monotonic()
        try:
            module = importlib.import_module(module_name)
        except Exception as error:
            missing = isinstance(error, ModuleNotFoundError) and error.name is not None
            if missing and (module_name + ".").startswith(error.name + "."):
                text = f"{module_name.replace('.', '/')}.py is not in the package (Handler is {order['handler']})"
                return self.answer(NO_HANDLER, sequence, _dumps({"message": text}).encode())
            return self.answer(LOAD_FAILED, sequence, fault(error))
        handler = getattr(module, function_name, None)
        if not callable(handler):
            what = "has no function" if handler is None else "has something that is no function:"
            text = f"{module_name.replace('.', '/')}.py {what} {function_name} (Handler is {order['handler']})"
            return self.answer(NO_HANDLER, sequence, _dumps({"message": text}).encode())
        self.handler = handler
        self.answer(LOADED, sequence, str((_monotonic() - started) // 1000).encode())

    def run(self, sequence, body):
        (length,) = _unpack("<I", body)
        try:
            context = _loads(bytes(body[4:4 + length]))
            event = _loads(str(body[4 + length:], "utf-8"))
            value = self.handler(event, context)
        except Exception as error:
            return self.answer(RAISED, sequence, fault(error))
        try:
            result = _dumps(value, ensure_ascii=False, allow_nan=False, default=_plain).encode("utf-8")
        except Exception as error:
            return self.answer(RAISED, sequence, not_json(error))
        if len(result) > self.result_bytes_max:
            return self.answer(TOO_LARGE, sequence, str(len(result)).encode())
        self.answer(RETURNED, sequence, result)

    def answer(self, kind, sequence, body):
        """Answers, unless this is a copy of the instance that the user's code forked."""
        flush()
        if _getpid() != self.pid:
            _exit(0)
        send(kind, sequence, body)


def _plain(value):
    """What JSON has no word for and the platform gives one."""
    if isinstance(value, decimal.Decimal):
        return str(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def compile_sources(sequence):
    """Sends the byte code of every source of the package; what does not compile says so when it is imported."""
    for folder, folders, files in os.walk(USER_CODE):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(folder, name)
            if not name.endswith(".py") or os.path.islink(path) or os.path.getsize(path) > COMPILE_SOURCE_BYTES_MAX:
                continue
            try:
                with open(path, "rb") as source:
                    text = source.read()
                code = compile(text, path, "exec", dont_inherit=True)
                # PEP 552: hash-based and unchecked, since the package never changes.
                content = importlib.util.MAGIC_NUMBER + _pack("<I", 1) + importlib.util.source_hash(text)
                content += marshal.dumps(code)
            except Exception:
                continue
            relative = os.path.relpath(importlib.util.cache_from_source(path), USER_CODE).encode()
            send(COMPILED, sequence, _pack("<I", len(relative)) + relative + content)
    send(COMPILE_DONE, sequence)


def warm_up():
    """Does what taking code and running an event does, so that the pages it touches are this process's own."""
    sys.path.insert(0, "/var/runtime/python/warm")
    module = importlib.import_module("skiff_warm")
    sys.path.pop(0)
    for name in ("skiff_warm", "skiff_warm_more"):
        sys.modules.pop(name, None)
    sys.path_importer_cache.pop("/var/runtime/python/warm", None)
    marshal.loads(marshal.dumps(compile("def f(event, context):\n    return [event, 1]\n", "<warm>", "exec")))
    for _ in range(3):
        event = _loads('{"a": [1, 2.5, "x", null, true], "b": {"c": "d"}}')
        _dumps(module.main_handler(event, dict(event)), ensure_ascii=False, allow_nan=False, default=_plain).encode("utf-8")
    try:
        module.fail()
    except Exception as error:
        fault(error)
    os.stat("/var/user")
    os.environ["SKIFF_WARM"] = "1"
    del os.environ["SKIFF_WARM"]


def runtime(warm):
    """One instance, from its birth to its end."""
    # OpenSSL tells a fork by the process id, and every instance has the same one.
    ssl.RAND_add(os.urandom(32), 32.0)
    random.seed()
    sys.stdin = open(0, "r", closefd=False)
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    instance = Instance()
    send(READY, 0)
    if warm:
        warm_up()
        send(WARM, 0)
    while True:
        kind, sequence, body = receive()
        if kind == INVOKE:
            instance.run(sequence, body)
        elif kind == LOAD:
            instance.load(sequence, body)
        elif kind == COMPILE:
            compile_sources(sequence)


# --- the zygote -------------------------------------------------------------------------------------------------------

def zygote(control):
    """Forks an instance per order until the server is gone."""
    cell = ctypes.CDLL("/var/runtime/libskiffcell.so")
    failed = cell.skiff_open(control, os.getpid())
    if failed:
        raise OSError(-failed, os.strerror(-failed))
    gc.collect()
    gc.freeze()
    while True:
        order = cell.skiff_next()
        if order <= 0:
            _exit(0 if order == 0 else 1)
        pid = os.fork()
        if pid:
            cell.skiff_born(pid)
            continue
        cell.skiff_enter()
        pid = os.fork()
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
