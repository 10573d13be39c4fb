#!/usr/bin/python3
# A runtime in the words of CONTRACT 1.10, with a case for each thing a test wants to see.
import http.client
import json
import os
import sys

API = os.environ["SCF_RUNTIME_API"], int(os.environ["SCF_RUNTIME_API_PORT"])
connection = http.client.HTTPConnection(*API)
calls = 0


def ask(method, path, body=None):
    connection.request(method, path, body)
    response = connection.getresponse()
    return response.status, response.headers, response.read()


def respond(value):
    body = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return ask("POST", "/runtime/invocation/response", body.encode())[0]


def opened():
    for fd in os.listdir("/proc/self/fd"):
        try:
            yield os.readlink("/proc/self/fd/" + fd).split(":")[0]
        except FileNotFoundError:
            pass  # the folder that was listed


def run(case, event, headers):
    if case == "environment":
        respond(dict(os.environ))
    elif case == "place":
        found = {"folder": os.getcwd(), "arguments": sys.argv, "open": sorted(opened())}
        respond({"user": os.popen("id -un").read().strip(), **found})
    elif case == "headers":
        respond({name.lower(): value for name, value in headers.items()})
    elif case == "again":
        second = ask("GET", "/runtime/invocation/next")
        respond({"same": second[1]["request_id"] == headers["request_id"], "body": json.loads(second[2])})
    elif case == "text":
        respond("no JSON: ü\n")
    elif case == "size":
        respond("x" * event["bytes"])
    elif case == "error":
        ask("POST", "/runtime/invocation/error", "it broke: ü\n  at line 7".encode())
    elif case == "late":
        first = respond("the first")
        print("answered", first, respond("the second"), ask("POST", "/runtime/invocation/error", "late")[0], flush=True)
    elif case == "refused":
        print("refused", ask("POST", "/runtime/init/nothing")[0], ask("GET", "/runtime/init/ready")[0], flush=True)
        respond(ask("POST", "/runtime/init/ready")[0])
    elif case == "output":
        print("to stdout")
        sys.stdout.flush()
        print("to stderr", file=sys.stderr)
        os.system("echo of a child")
        print("the last", flush=True)
        respond("")
    elif case == "count":
        respond(calls)
    elif case == "echo":
        respond(event)
    elif case == "exit":
        os._exit(event["code"])
    elif case == "exit after":
        respond("answered")
        os._exit(3)
    elif case == "exit later":
        respond("answered")
        os.system("/bin/sleep " + event["mark"])
        os._exit(3)
    elif case == "sleep":
        import time
        print("asleep", flush=True)
        time.sleep(600)
    elif case == "run":
        found = dict(globals())
        exec(event["code"], found)
        respond(found.get("result"))
    elif case == "hoard":
        hoard = [bytearray(os.urandom(1 << 20) * 16) for _ in range(64)]
        respond(len(hoard))


print("starting", flush=True)
ask("POST", "/runtime/init/ready")
while True:
    status, headers, body = ask("GET", "/runtime/invocation/next")
    assert status == 200, status
    calls += 1
    event = json.loads(body)
    run(event["case"], event, headers)
