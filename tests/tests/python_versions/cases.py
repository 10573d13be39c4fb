# -*- coding: utf8 -*-
# In the words that every version understands.
from __future__ import print_function

import ctypes
import json
import locale
import logging
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import uuid

calls = 0
left = []


def echo(event, context):
    return event["value"]


def count(event, context):
    global calls
    calls += 1
    return calls


def about(event, context):
    return context


def deeper(number):
    return {}[number]


def throwing(event, context):
    deeper(7)


def no_json(event, context):
    return {"a": object()}


def leaving(event, context):
    print("last words")
    sys.exit(3)


def large(event, context):
    return "x" * event["length"]


def output(event, context):
    print("out 1")
    sys.stderr.write("err 1\n")
    print("out 2")
    subprocess.call(["/bin/echo", "child"])
    os.write(1, b"written\n")
    logging.warning("logged")
    sys.stdout.write("\xe7\xaa\x97 in part" if sys.version_info[0] == 2 else u"\u7a97 in part")
    sys.stdout.flush()
    sys.stderr.write(" err 2\n")
    print("end")


def speak(event, context):
    own = "import locale, sys; locale.setlocale(locale.LC_ALL, ''); sys.stdout.write(u'\u7a97' if sys.version_info[0] > 2 else 'x')"
    return [
        subprocess.check_output([sys.executable, "-c", own]).decode("utf8"),
        locale.setlocale(locale.LC_ALL, ""),
        locale.getpreferredencoding(),
    ]


def child(event, context):
    here = subprocess.check_output("echo $0 $PWD; id -un", shell=True).decode("utf8")
    own = subprocess.check_output([sys.executable, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    pid = os.fork()
    if pid == 0:
        os._exit(len(event["text"]))
    return [here, own.decode("utf8").strip(), os.WEXITSTATUS(os.waitpid(pid, 0)[1])]


def threads(event, context):
    found, lock = [], threading.Lock()

    def work(number):
        with lock:
            found.append(number * number)

    started = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    # One that goes on beside later calls.
    behind = threading.Thread(target=lambda: (time.sleep(0.02), left.append(1)))
    behind.daemon = True
    behind.start()
    return sorted(found)


def signals(event, context):
    def ring(number, frame):
        heard.append(number)

    heard = []
    signal.signal(signal.SIGALRM, ring)
    signal.signal(signal.SIGUSR1, ring)
    os.kill(os.getpid(), signal.SIGUSR1)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    for _ in range(1000):
        if len(heard) == 2:
            break
        time.sleep(0.01)
    return sorted(heard)


def local_server(event, context):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    near = socket.create_connection(listener.getsockname())
    far, _ = listener.accept()
    far.sendall(b"across")
    return near.recv(6).decode("utf8")


def native(event, context):
    by_path = ctypes.CDLL(os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib", "libsquare.so"))
    by_name = ctypes.CDLL("libcube.so")
    return [by_path.square(12), by_name.cube(3)]


def draws(event, context):
    return {
        "uuid4": uuid.uuid4().hex,
        "uuid1": uuid.uuid1().hex,
        "random": random.random(),
        "own": random.Random().random(),
        "system": random.SystemRandom().random(),
        "urandom": [byte for byte in bytearray(os.urandom(8))],
        "ssl": [byte for byte in bytearray(getattr(ssl, "RAND_bytes", os.urandom)(8))],
        "file": tempfile.mktemp(),
        "name": os.path.basename(tempfile.NamedTemporaryFile().name),
    }


def surroundings(event, context):
    import helper

    with open("/tmp/text", "w") as file:
        file.write("x")
    return {
        "version": "%d.%d" % sys.version_info[:2],
        "env": dict(os.environ),
        "cwd": os.getcwd(),
        "path": sys.path,
        "argv": sys.argv,
        "file": __file__.replace(".pyc", ".py"),
        "executable": os.path.realpath(sys.executable),
        "contracts": os.path.realpath(event["interpreter"]),
        "names": sys.getfilesystemencoding().lower(),
        "uid": os.getuid(),
        "home": os.path.expanduser("~"),
        "helper": helper.__file__.replace(".pyc", ".py"),
        "exits": callable(exit) and callable(quit),
        "listed": sorted(name for name in os.listdir("/var/user") if not name.startswith("__")),
    }


def main_handler(event, context):
    return globals()[event["case"]](event, context)
