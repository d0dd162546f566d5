"""What asyncio can do, tried inside the worker's own loop: GET /NAME runs one case and answers
"passed", or fails with a 500.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import socket
import sys
import tempfile
import threading
import time

variable = contextvars.ContextVar("variable", default="unset")
# Far above what anything here takes: only a loop that sleeps through an event reaches it.
PATIENCE_S = 15


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    async with asyncio.timeout(PATIENCE_S):
        await CASES[scope["path"][1:].replace("-", "_")]()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"passed"})


async def _echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def tcp_streams():
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def talk(number):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"%d" % number)
        assert await reader.readexactly(len(str(number))) == b"%d" % number
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(talk(number) for number in range(100)))
    server.close()


async def unix_streams():
    with tempfile.TemporaryDirectory() as folder:
        server = await asyncio.start_unix_server(_echo, f"{folder}/socket")
        reader, writer = await asyncio.open_unix_connection(f"{folder}/socket")
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        writer.close()
        server.close()


async def executor():
    loop = asyncio.get_running_loop()
    results = await asyncio.gather(
        *(loop.run_in_executor(None, pow, number, 2) for number in range(50))
    )
    assert results == [number**2 for number in range(50)]


async def to_thread_with_context():
    variable.set("seen")
    assert await asyncio.to_thread(variable.get) == "seen"


async def subprocess_with_pipes():
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import sys; sys.stdout.write(sys.stdin.read()[::-1]); sys.exit(7)",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate(b"abc")
    assert (output, process.returncode) == (b"cba", 7)


async def loop_signal_handler():
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR2, came.set)
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR2)).start()
    await came.wait()
    assert loop.remove_signal_handler(signal.SIGUSR2)


async def plain_signal_handler():
    """It must run although nothing else wakes the loop, also after asyncio has taken its wakeup
    descriptor away with its last handler.
    """
    await loop_signal_handler()
    ran_at = []
    previous = signal.signal(signal.SIGUSR2, lambda *_: ran_at.append(time.monotonic()))
    began = time.monotonic()
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR2)).start()
    await asyncio.sleep(1)
    signal.signal(signal.SIGUSR2, previous)
    assert ran_at and ran_at[0] - began < 0.9, ran_at


async def timers_in_order():
    loop, order, done = asyncio.get_running_loop(), [], asyncio.Event()
    for delay in (0.03, 0.01, 0.02):
        loop.call_later(delay, order.append, delay)
    loop.call_later(0.015, order.append, "cancelled").cancel()
    loop.call_later(0.04, done.set)
    began = time.monotonic()
    await done.wait()
    assert order == [0.01, 0.02, 0.03]
    assert time.monotonic() - began >= 0.039


async def timeouts():
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(PATIENCE_S)
    except TimeoutError:
        return
    raise AssertionError("the timeout did not come")


async def task_groups():
    async def fail():
        raise ValueError

    try:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(asyncio.sleep(PATIENCE_S))
            group.create_task(fail())
    except* ValueError:
        pass
    assert waiting.cancelled()


async def calls_from_threads():
    loop, count, done = asyncio.get_running_loop(), [], asyncio.Event()

    def called():
        count.append(1)
        if len(count) == 400:
            done.set()

    def work():
        for _ in range(100):
            loop.call_soon_threadsafe(called)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    await done.wait()
    for thread in threads:
        thread.join()


async def pipes():
    loop = asyncio.get_running_loop()
    reading, writing = os.pipe()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", 0)
    )
    os.write(writing, b"piped")
    os.close(writing)
    assert await reader.read() == b"piped"
    transport.close()


async def raw_sockets():
    loop = asyncio.get_running_loop()
    one, other = socket.socketpair()
    one.setblocking(False)
    other.setblocking(False)
    sending = asyncio.create_task(loop.sock_sendall(one, b"x" * 5_000_000))
    received = 0
    while received < 5_000_000:
        received += len(await loop.sock_recv(other, 1 << 20))
    await sending
    one.close()
    other.close()


async def datagrams():
    loop, received = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

    class Receiver(asyncio.DatagramProtocol):
        def datagram_received(self, data, address):
            received.set_result(data)

    server, _ = await loop.create_datagram_endpoint(Receiver, local_addr=("127.0.0.1", 0))
    client, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=server.get_extra_info("sockname")
    )
    client.sendto(b"datagram")
    assert await received == b"datagram"
    client.close()
    server.close()


async def name_lookup():
    assert await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 80)


async def exception_handler():
    loop, seen, came = asyncio.get_running_loop(), [], asyncio.Event()

    def handler(_loop, context):
        seen.append(type(context["exception"]))
        came.set()

    loop.set_exception_handler(handler)
    loop.call_soon(lambda: 1 / 0)
    await came.wait()
    loop.set_exception_handler(None)
    assert seen == [ZeroDivisionError]


async def regular_files_cannot_be_watched():
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryFile() as file:
        try:
            loop.add_reader(file.fileno(), print)
        except PermissionError:
            return
        finally:
            loop.remove_reader(file.fileno())
    raise AssertionError("a regular file was watched")


async def descriptors_used_again():
    loop = asyncio.get_running_loop()
    for _ in range(50):
        one, other = socket.socketpair()
        one.setblocking(False)
        readable = asyncio.Event()
        loop.add_reader(one, readable.set)
        other.send(b"x")
        await readable.wait()
        loop.remove_reader(one)
        one.close()
        other.close()


async def debug_mode():
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    await asyncio.gather(*(asyncio.sleep(0.001) for _ in range(10)))
    loop.set_debug(False)


async def anyio_scopes():
    import anyio

    with anyio.move_on_after(0) as scope:
        await anyio.sleep(PATIENCE_S)
    assert scope.cancelled_caught
    assert await anyio.to_thread.run_sync(threading.get_ident) != threading.get_ident()


CASES = {
    name: function
    for name, function in list(globals().items())
    if asyncio.iscoroutinefunction(function) and name != "app" and not name.startswith("_")
}
