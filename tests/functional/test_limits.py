"""Limits and deadlines, set small: what is too large or too slow is cut with the right status, and
costs no other.
"""

from __future__ import annotations

import resource
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from conftest import Serve
from cppcorn_server import Server, is_sanitized, wait_until
from http_client import Client, ConnectionEnded, chunked, request

Connect = Callable[..., Client]

# A deadline of a second must be kept to within what a busy machine and a sanitizer add.
DEADLINE_S = 1.0
LATE_S = 6.0

TCP_ESTABLISHED = 1


def tcp_state(connected: socket.socket) -> int:
    return struct.unpack_from("B", connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104))[
        0
    ]


def drip(client: Client, data: bytes, every_s: float) -> bool:
    """Sends byte by byte until all is sent (True), or an answer or the end comes (False)."""
    client.socket.settimeout(every_s)
    for byte in data:
        try:
            client.socket.send(bytes([byte]))
            if client.socket.recv(1, socket.MSG_PEEK) is not None:
                return False
        except TimeoutError:
            continue
        except OSError:
            return False
        finally:
            client.socket.settimeout(every_s)
    return True


def elapsed(began: float) -> float:
    return time.monotonic() - began


# --- Sizes ---


@pytest.mark.parametrize(
    "option,value,data,status",
    [
        ("--limit-request-line", "100", request(target="/" + "a" * 100), 414),
        ("--limit-request-fields", "5", request(headers=[(f"x-{n}", "y") for n in range(5)]), 431),
        ("--limit-request-field-size", "50", request(headers=[("x", "y" * 51)]), 431),
    ],
)
def test_smaller_limits_on_the_head(
    serve: Serve, kind: str, connect: Connect, option: str, value: str, data: bytes, status: int
) -> None:
    server = serve(None, option, value, kind=kind)
    assert connect(server).get("/hello").status == 200
    client = connect(server).send(data)
    assert client.read().status == status
    client.assert_ended()
    assert server.calls() == ["GET /hello"]


def test_a_body_too_large_is_refused_before_it_is_read(
    serve: Serve, kind: str, connect: Connect
) -> None:
    server = serve(None, "--limit-request-body", "1000", kind=kind)
    assert connect(server).exchange("POST", "/echo", body=b"x" * 1000).status == 200
    for extra in ([], [("Expect", "100-continue")]):
        client = connect(server)
        client.send(request("POST", "/echo", [("Content-Length", "1001"), *extra]))
        response = client.read()
        assert response.status == 413 and response.informational == []
        client.assert_ended()
    assert server.calls() == ["POST /echo"]


def test_a_chunked_body_that_grows_too_large(serve: Serve, kind: str, connect: Connect) -> None:
    """WSGI never sees it; ASGI is told that the client has gone."""
    server = serve(None, "--limit-request-body", "1000", kind=kind)
    client = connect(server)
    client.send(request("POST", "/echo", [("Transfer-Encoding", "chunked")]))
    client.send_quietly(chunked(b"x" * 600, b"x" * 600) + request(target="/smuggled"))
    assert client.read().status == 413
    client.assert_ended()
    assert server.calls() == (["POST /echo"] if kind == "asgi" else [])
    assert [e["event"] for e in server.events()].count("disconnect") == (kind == "asgi")


# --- Deadlines ---


@pytest.fixture(params=["asgi", "gthread"])
def hasty(shared: Serve, request: pytest.FixtureRequest) -> Server:
    """A server with every deadline at a second."""
    options = [f"--{name}-timeout={DEADLINE_S:g}" for name in ("header", "body", "write")]
    return shared(None, *options, "--keep-alive", "30", kind=request.param)


def test_half_a_head(hasty: Server, connect: Connect) -> None:
    client = connect(hasty).send(b"GET /hello HTTP/1.1\r\nHost: te")
    began = time.monotonic()
    assert client.read().status == 408
    client.assert_ended()
    assert 0.5 * DEADLINE_S < elapsed(began) < LATE_S


def test_a_dripping_head(hasty: Server, connect: Connect) -> None:
    """The deadline is absolute: a byte now and then does not move it."""
    client = connect(hasty)
    began = time.monotonic()
    assert not drip(client, b"GET /hello HTTP/1.1\r\nX-Drip: " + b"a" * 400, 0.05)
    assert 0.5 * DEADLINE_S < elapsed(began) < LATE_S
    client.socket.settimeout(10)
    assert client.read().status == 408
    client.assert_ended()


def test_half_a_head_behind_a_request(hasty: Server, connect: Connect) -> None:
    client = connect(hasty)
    client.send(request(target="/hello") + b"GET /hel")
    assert client.read().status == 200
    assert client.read().status == 408
    client.assert_ended()


def test_a_silent_connection(hasty: Server, connect: Connect) -> None:
    rest = connect(hasty).read_to_end(LATE_S)
    assert rest == b"" or rest.startswith(b"HTTP/1.1 408 ")


def test_a_stalled_body(hasty: Server, connect: Connect) -> None:
    before = len(hasty.events())
    client = connect(hasty)
    client.send(request("POST", "/echo", [("Content-Length", "10")]) + b"half")
    began = time.monotonic()
    assert client.read().status == 408
    client.assert_ended()
    assert 0.5 * DEADLINE_S < elapsed(began) < LATE_S
    seen = [e["event"] for e in hasty.events()[before:] if e["event"] != "piece"]
    assert seen == (["call", "disconnect"] if hasty.kind == "asgi" else [])


def test_a_dripping_body(hasty: Server, connect: Connect) -> None:
    """Twenty bytes a second are below the least rate, so they are no progress."""
    client = connect(hasty)
    client.send(request("POST", "/echo", [("Content-Length", "1000")]))
    began = time.monotonic()
    assert not drip(client, b"x" * 400, 0.05)
    assert elapsed(began) < LATE_S
    client.socket.settimeout(10)
    assert client.read().status == 408
    client.assert_ended()


def test_a_slow_but_steady_body(hasty: Server, connect: Connect) -> None:
    """An honest client on a thin line may take longer than any single window."""
    client = connect(hasty)
    client.send(request("POST", "/digest", [("Content-Length", "30000")]))
    for _ in range(30):
        client.send(b"x" * 1000)
        time.sleep(0.08)  # the line's speed
    assert client.read().text.startswith("30000 ")


def test_a_reader_that_stalls(hasty: Server, connect: Connect) -> None:
    """It is cut although nothing can be sent to it, and the app gets to know."""
    before = len(hasty.events())
    client = connect(hasty, receive_buffer=4096)
    client.send(request(target="/blocks?bytes=50000000"))
    began = time.monotonic()
    wait_until(lambda: tcp_state(client.socket) != TCP_ESTABLISHED, "the end of the connection")
    assert 0.5 * DEADLINE_S < elapsed(began) < LATE_S + 4
    if hasty.kind == "asgi":
        hasty.wait_event(event="send-failed")
    else:  # the response was buffered, so the app had finished
        wait_until(lambda: "finished" in [e["event"] for e in hasty.events()[before:]], "close()")
    with pytest.raises(ConnectionEnded):
        client.read()


def test_a_slow_but_steady_reader(hasty: Server, connect: Connect) -> None:
    client = connect(hasty, receive_buffer=4096)
    client.send(request(target="/blocks?bytes=20000000"))
    head = client.read_head()
    began, got = time.monotonic(), 0
    blocks = client.body_blocks(head)
    while elapsed(began) < 2.5 * DEADLINE_S:
        got += len(next(blocks))
        time.sleep(0.01)  # the line's speed
    assert got + sum(len(block) for block in blocks) == 20000000


def test_an_idle_connection_has_no_deadline_but_keep_alive(hasty: Server, connect: Connect) -> None:
    client = connect(hasty)
    assert client.get("/hello").status == 200
    client.assert_quiet(2 * DEADLINE_S)
    client.socket.settimeout(10)
    assert client.get("/hello").status == 200


def test_a_slow_app_is_no_slow_client(hasty: Server, connect: Connect, tmp_path: Path) -> None:
    """The deadlines are the client's: while the app thinks, none of them runs."""
    gate = tmp_path / "gate"
    client = connect(hasty)
    client.send(request("POST", f"/wait?file={gate}", body=b"x" * 10))
    client.assert_quiet(2 * DEADLINE_S)
    gate.touch()
    client.socket.settimeout(10)
    assert client.read().body == b"waited"


def test_keep_alive_0_closes_after_each_response(serve: Serve, kind: str, connect: Connect) -> None:
    client = connect(serve(None, "--keep-alive", "0", kind=kind))
    assert client.get("/hello").says_close
    client.assert_ended()


# --- Connections ---


def test_at_the_limit_the_oldest_idle_connection_goes(
    serve: Serve, kind: str, connect: Connect
) -> None:
    server = serve(None, "--worker-connections", "4", "--keep-alive", "30", kind=kind)
    idle = [connect(server) for _ in range(4)]
    for client in idle:
        assert client.get("/hello").status == 200
    assert connect(server).get("/hello").status == 200
    idle[0].assert_ended()
    for client in idle[2:]:
        assert client.get("/hello").status == 200


def test_at_the_limit_busy_connections_stay(
    serve: Serve, connect: Connect, tmp_path: Path, kind: str
) -> None:
    """Who comes then waits for a place, and gets it."""
    if kind == "sync":
        pytest.skip("one thread: only one connection can be busy in the app")
    gate = tmp_path / "gate"
    server = serve(None, "--worker-connections", "3", kind=kind)
    busy = [connect(server).send(request(target=f"/wait?file={gate}")) for _ in range(3)]
    wait_until(lambda: len(server.calls()) == 3, "three calls")
    waiting = connect(server).send(request(target="/hello"))
    waiting.assert_quiet(0.2)
    waiting.socket.settimeout(20)
    gate.touch()
    assert [client.read().body for client in busy] == [b"waited"] * 3
    assert waiting.read().body == b"Hello, World!"


def few_descriptors(count: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


@pytest.mark.parametrize("kind", ["asgi", "gthread"])
def test_without_descriptors_accepting_pauses(serve: Serve, kind: str) -> None:
    """EMFILE: it says so, serves who is there, does not spin, and goes on when descriptors are
    free.
    """
    server = serve(None, "--keep-alive", "30", kind=kind, preexec_fn=few_descriptors(64))
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(server)) for _ in range(80)]
        server.wait_log(r"(?i)too many open files|file descriptors")
        assert clients[0].get("/hello").status == 200
        worker = server.worker_pids[0]
        began, spent = time.monotonic(), processor_seconds(worker)
        clients[1].assert_quiet(0.5)
        assert processor_seconds(worker) - spent < 0.5 * (time.monotonic() - began)
    with Client(server) as client:
        assert client.get("/hello").status == 200
    assert len([line for line in server.log.splitlines() if "too many open" in line.lower()]) < 10


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


# --- Slow clients cost nobody else anything ---


@pytest.fixture
def crowd(serve: Serve) -> Iterator[tuple[Server, ExitStack]]:
    server = serve(None, "--threads", "4", kind="gthread")
    with ExitStack() as stack:
        yield server, stack


def assert_prompt(server: Server) -> None:
    for _ in range(5):
        began = time.monotonic()
        with Client(server) as client:
            assert client.get("/hello").status == 200
        assert elapsed(began) < 2


def test_200_slow_uploads_leave_four_threads_free(crowd: tuple[Server, ExitStack]) -> None:
    server, stack = crowd
    for _ in range(200):
        client = stack.enter_context(Client(server))
        client.send(request("POST", "/echo", [("Content-Length", "100")]) + b"abc")
    assert_prompt(server)
    assert set(server.calls()) == {"GET /hello"}


def test_200_slow_heads_leave_four_threads_free(crowd: tuple[Server, ExitStack]) -> None:
    server, stack = crowd
    for _ in range(200):
        stack.enter_context(Client(server)).send(b"GET /hello HTTP/1.1\r\nHost: t")
    assert_prompt(server)


def test_slow_downloads_leave_four_threads_free(crowd: tuple[Server, ExitStack]) -> None:
    """Eight clients ask for 50 MB and do not read: the measured failure of every threaded rival."""
    server, stack = crowd
    clients = [stack.enter_context(Client(server, receive_buffer=4096)) for _ in range(8)]
    for client in clients:
        client.send(request(target="/blocks?bytes=50000000"))
    wait_until(lambda: len(server.calls()) == 8, "all threads to be free again", 30)
    assert_prompt(server)
    head = clients[0].read_head()
    assert sum(len(block) for block in clients[0].body_blocks(head)) == 50000000


def test_slow_clients_of_every_kind_on_asgi(serve: Serve, connect: Connect) -> None:
    server = serve(kind="asgi")
    with ExitStack() as stack:
        for number in range(90):
            client = stack.enter_context(Client(server, receive_buffer=4096))
            client.send(
                [
                    b"GET /hello HTTP/1.1\r\nHost: t",
                    request("POST", "/echo", [("Content-Length", "100")]) + b"abc",
                    request(target="/blocks?bytes=5000000"),
                ][number % 3]
            )
        assert_prompt(server)


# --- What an idle connection costs ---

IDLE_CONNECTIONS = 3000


@pytest.mark.skipif(is_sanitized(), reason="a sanitizer's allocator has costs of its own")
@pytest.mark.parametrize("kind", ["asgi", "gthread"])
def test_an_idle_connection_costs_a_kilobyte(serve: Serve, kind: str) -> None:
    """At most 1 KiB of the worker's memory each, and no processor time."""
    needed = IDLE_CONNECTIONS + 600
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < needed:
        pytest.skip(f"only {hard} open files are allowed here, and {needed} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    server = serve(None, "--keep-alive", "60", kind=kind, preexec_fn=few_descriptors(needed))
    worker = server.worker_pids[0]
    with ExitStack() as stack:

        def open_idle(count: int) -> None:
            for _ in range(count):
                client = stack.enter_context(Client(server))
                assert client.get("/hello").status == 200

        open_idle(300)  # what the first ones need is no cost of a connection
        before = private_bytes(worker)
        open_idle(IDLE_CONNECTIONS)
        grown = private_bytes(worker) - before
        assert grown <= IDLE_CONNECTIONS * 1024 + 131072, grown / IDLE_CONNECTIONS
        spent = processor_seconds(worker)
        time.sleep(1)  # the time to be idle in
        assert processor_seconds(worker) - spent <= 0.05


def private_bytes(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    fields = dict(line.split(":", 1) for line in rollup.splitlines()[1:])
    return sum(int(fields[f"Private_{kind}"].split()[0]) for kind in ("Dirty", "Clean")) * 1024
