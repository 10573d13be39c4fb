# A server of a web function, with a path for each thing a test wants to see.
import base64
import hashlib
import http.server
import os
import struct
import sys
import threading
import time
import urllib.parse
import uuid

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
requests = 0
born = uuid.uuid4().hex
arrival = threading.Condition()
arrived = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def chunk(self, text):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
        self.wfile.flush()

    def begin(self, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def do(self):
        global requests
        requests += 1
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.split("?")[0]
        if path == "/count":
            self.answer(200, b"%d" % requests)
        elif path == "/echo":
            head = "\n".join([self.command + " " + self.path] + ["%s: %s" % pair for pair in self.headers.items()])
            self.answer(201, head.encode() + b"\n\n" + body, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Mine", "yes")])
        elif path == "/size":
            self.answer(200, b"x" * int(self.headers["X-Size"]))
        elif path == "/headers":
            self.answer(200, b"", [("X-Long", "x" * 5000)])
        elif path == "/events":
            # Each goes out when the one before is known to have come.
            self.begin("text/event-stream")
            for number in range(3):
                self.chunk(b"data: %d\n\n" % number)
                while not os.path.exists("/tmp/seen"):
                    time.sleep(0.01)
            self.chunk(b"")
        elif path == "/endless":
            self.begin("text/plain")
            while True:
                self.chunk(b"more ")
                time.sleep(0.05)
        elif path == "/break":
            self.begin("text/plain")
            self.chunk(b"half")
            os._exit(3)
        elif path == "/exit":
            print("leaving", flush=True)
            os._exit(3)
        elif path == "/sleep":
            time.sleep(600)
        elif path == "/garbage":
            self.wfile.write(b"this is no HTTP\r\n\r\n")
            self.close_connection = True
        elif path == "/print":
            print("of the request", flush=True)
            self.answer(200, b"")
        elif path == "/socket":
            self.socket()
        elif path == "/meet":
            self.meet(**dict(urllib.parse.parse_qsl(self.path.split("?")[1])))
        else:
            self.answer(404, b"nothing here")

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do

    def meet(self, of, then="answer", eat="0"):
        """Eats so many megabytes for a moment, and goes on once so many have come."""
        global arrived
        eaten = bytearray(int(eat) << 20)
        eaten[::4096] = eaten[1::4096]
        del eaten
        with arrival:
            arrived += 1
            arrival.notify_all()
            arrival.wait_for(lambda: arrived >= int(of))
        if then == "raise":
            raise RuntimeError("of one request")
        elif then == "sleep":
            time.sleep(600)
        elif then == "exit":
            os._exit(3)
        elif then == "eat":
            eaten = [bytes(1 << 24) + b"x" for _ in range(1000)]
        self.answer(200, born.encode())

    def socket(self):
        key = self.headers["Sec-WebSocket-Key"].encode()
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", "websocket")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key + GUID).digest()).decode())
        self.end_headers()
        self.close_connection = True
        while True:
            head = self.rfile.read(2)
            if len(head) < 2:
                return
            length = head[1] & 0x7F
            mask = self.rfile.read(4)
            text = bytes(byte ^ mask[at % 4] for at, byte in enumerate(self.rfile.read(length)))
            if head[0] & 0x0F == 8:
                self.wfile.write(bytes([0x88, len(text)]) + text)
                return
            if text == b"close":
                self.wfile.write(bytes([0x88, 2]) + struct.pack("!H", 1000))
                return
            self.wfile.write(bytes([0x81, len(text)]) + text)


print("starting", flush=True)
sys.stdout.flush()
http.server.ThreadingHTTPServer.request_queue_size = 128
http.server.ThreadingHTTPServer(("0.0.0.0", 9000), Handler).serve_forever()
