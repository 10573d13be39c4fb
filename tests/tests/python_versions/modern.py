"""What Python 3 alone has."""
import asyncio
import concurrent.futures
import decimal
import multiprocessing
import os
import secrets
import sys

BORN = secrets.token_hex(8)
run = getattr(asyncio, "run", None) or (lambda coroutine: asyncio.new_event_loop().run_until_complete(coroutine))


async def slow(number):
    await asyncio.sleep(0.001)
    return number * 2


async def coroutine():
    loop = asyncio.get_event_loop()
    by_pool = await loop.run_in_executor(None, lambda: 40)
    return [by_pool] + list(await asyncio.gather(*[slow(number) for number in range(3)]))


async def talk():
    server = await asyncio.start_server(lambda reader, writer: (writer.write(b"async"), writer.close()), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    said = await reader.read()
    writer.close()
    server.close()
    return said.decode()


def double(pipe):
    pipe.send(os.getpid())


def chained(event, context):
    try:
        {}["first"]
    except KeyError as error:
        raise RuntimeError("zweitens: ü") from error


def half(event, context):
    raise ValueError(event["text"])


def undecoded(event, context):
    raise OSError("cannot convert " + os.fsdecode(b"r\xe9sum\xe9.pdf"))


class Own(BaseException):
    pass


async def cancelled():
    task = asyncio.ensure_future(asyncio.sleep(60))
    task.cancel()
    await task


def beyond(event, context):
    if event["kind"] == "cancelled":
        run(cancelled())
    raise {"own": Own, "generator": GeneratorExit}[event["kind"]]("beyond")


def awaiting(event, context):
    return [run(coroutine()), run(talk())]


def pools(event, context):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        squares = list(pool.map(lambda number: number * number, range(5)))
    near, far = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=double, args=(far,))
    process.start()
    other = near.recv()
    process.join()
    return [squares, other != os.getpid(), process.exitcode]


def words(event, context):
    print("ünïcödé 窗 \U0001d11e")
    with open("/tmp/窗.txt", "w") as file:
        file.write("窗")
    with open("/tmp/窗.txt", "rb") as file:
        written = file.read()
    return {"窗": sorted(os.listdir("/tmp")), "bytes": list(written), "arg": decimal.Decimal("1.10"), "key": {1: None}}


def token(event, context):
    return secrets.token_hex(8)


def process(event, context):
    return [os.getpid(), BORN]


def traced(event, context):
    return [sys.gettrace() is None, sys.flags.utf8_mode if sys.version_info >= (3, 7) else 1]


def main_handler(event, context):
    return globals()[event["case"]](event, context)
