"""Apps and clients that misbehave: one request is hurt, never the worker, the log tells, and
nothing is left behind.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import Serve
from cppcorn_server import Server, wait_until
from http_client import Client, ConnectionEnded, request

Connect = Callable[..., Client]


# --- Apps ---


def test_an_exception_before_the_head(server: Server, client: Client) -> None:
    log = len(server.log)
    response = client.get("/raise?secret=1")
    assert response.status == 500
    assert b"deliberate" not in response.body and b"Traceback" not in response.body
    server.wait_log("ValueError: deliberate", after=log)
    said = server.log[log:]
    assert said.count("Traceback (most recent call last)") == 1
    assert "GET /raise" in said


def test_the_connection_survives_an_exception(client: Client) -> None:
    response = client.get("/raise")
    assert response.status == 500
    if not response.says_close:
        assert client.get("/hello").status == 200


def test_an_exception_behind_the_head(server: Server, client: Client) -> None:
    """The client must not take what it got for a whole response."""
    log = len(server.log)
    client.send(request(target="/raise-late"))
    with pytest.raises(ConnectionEnded):
        response = client.read()
        # Nothing had left yet: then the error may still take its place.
        assert response.status == 500
        raise ConnectionEnded
    server.wait_log("ValueError: deliberate", after=log)
    assert "GET /raise-late" in server.log[log:]


def test_more_than_was_promised(server: Server, client: Client) -> None:
    """Content-Length says 5: no sixth byte may follow, or it would be read as the next response."""
    client.send(request(target="/too-long") + request(target="/hello"))
    response = client.read()
    assert (response.status, response.body) == (200, b"01234") or response.status == 500
    with suppress(ConnectionEnded):
        assert client.read().body == b"Hello, World!"


def test_less_than_was_promised(server: Server, client: Client) -> None:
    client.send(request(target="/too-short") + request(target="/hello"))
    try:
        assert client.read().status == 500
    except ConnectionEnded:
        client.assert_ended()


def test_too_little_for_head_is_no_error(client: Client) -> None:
    assert client.exchange("HEAD", "/too-short").header("content-length") == "10"
    assert client.get("/hello").status == 200


def test_system_exit_hurts_one_request(shared: Serve, wsgi_kind: str) -> None:
    server = shared(kind=wsgi_kind)
    log = len(server.log)
    with Client(server) as client:
        assert client.get("/exit").status == 500
    server.wait_log("SystemExit", after=log)
    with Client(server) as client:
        assert client.get("/hello").status == 200


def test_system_exit_in_asgi_does_not_end_the_server(serve: Serve) -> None:
    server = serve(kind="asgi")
    with Client(server) as client, suppress(ConnectionEnded):
        client.send(request(target="/exit"))
        assert client.read().status == 500

    def serves() -> bool:
        with suppress(OSError, AssertionError), Client(server, timeout_s=2) as client:
            return client.get("/hello").status == 200
        return False

    wait_until(serves, "another request to be served")


@pytest.mark.parametrize("status", ["0", "99", "1000"])
def test_statuses_that_are_none(server: Server, client: Client, status: str) -> None:
    response = client.get(f"/status/{status}")
    assert response.status == 500
    with Client(server) as other:
        assert other.get("/hello").status == 200


# --- Clients ---


def assert_serves(server: Server) -> None:
    with Client(server) as client:
        assert client.get("/hello").body == b"Hello, World!"


def test_clients_that_come_and_go(server: Server) -> None:
    for _ in range(100):
        Client(server).reset()
        Client(server).close()
    assert_serves(server)


def test_resets_at_every_stage(server: Server) -> None:
    whole = request("POST", "/echo", [("X-Padding", "y" * 200)], b"x" * 500)
    for cut in range(1, len(whole), 37):
        with Client(server) as client:
            client.send(whole[:cut])
            client.reset()
    assert_serves(server)


def test_a_reset_while_the_app_works(server: Server, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    before = len(server.calls())
    clients = [Client(server) for _ in range(3 if server.kind != "sync" else 1)]
    for client in clients:
        client.send(request(target=f"/wait?file={gate}"))
    wait_until(lambda: len(server.calls()) == before + len(clients), "the calls")
    for client in clients:
        client.reset()
    gate.touch()
    assert_serves(server)


def test_a_reset_in_the_middle_of_a_response(server: Server) -> None:
    for number in range(5):
        with Client(server, receive_buffer=4096) as client:
            client.send(request(target="/blocks?bytes=20000000"))
            client.read_head()
            for _ in range(number):
                client._more()
            client.reset()
    assert_serves(server)


def test_a_reset_in_the_middle_of_a_pipeline(server: Server) -> None:
    for _ in range(10):
        with Client(server) as client:
            client.send(request("POST", "/echo", body=b"x" * 1000) * 50)
            client.read()
            client.reset()
    assert_serves(server)


def test_the_asgi_app_is_told_of_a_reset(shared: Serve) -> None:
    server = shared(kind="asgi")
    before = len(server.events())
    with Client(server) as client:
        client.send(request("POST", "/echo", [("Content-Length", "100")]) + b"half")
        wait_until(
            lambda: "piece" in [e["event"] for e in server.events()[before:]], "the first piece"
        )
        client.reset()
    wait_until(
        lambda: "disconnect" in [e["event"] for e in server.events()[before:]], "http.disconnect"
    )


def test_asgi_send_fails_after_a_reset(shared: Serve) -> None:
    server = shared(kind="asgi")
    before = len(server.events())
    with Client(server, receive_buffer=4096) as client:
        client.send(request(target="/blocks?bytes=50000000"))
        client.read_head()
        client.reset()
    wait_until(
        lambda: "send-failed" in [e["event"] for e in server.events()[before:]],
        "OSError from send",
    )


def test_wsgi_close_is_called_after_a_reset(shared: Serve, wsgi_kind: str) -> None:
    server = shared(kind=wsgi_kind)
    before = len(server.events())
    with Client(server, receive_buffer=4096) as client:
        client.send(request(target="/blocks?bytes=50000000"))
        client.read_head()
        client.reset()
    wait_until(
        lambda: {e["event"] for e in server.events()[before:]} & {"finished", "send-failed"},
        "close()",
    )


@pytest.mark.parametrize("seed", range(3))
def test_garbage(server: Server, seed: int) -> None:
    """Noise, and requests with noise in them. Whatever comes back is an answer or the end."""
    noise = random.Random(seed)
    before = len(server.calls())
    for _ in range(40):
        data = bytearray(request("POST", "/echo", [("X-A", "b"), ("Accept", "*/*")], b"x" * 50))
        for _ in range(noise.randrange(1, 30)):
            data[noise.randrange(len(data))] = noise.randrange(256)
        if noise.random() < 0.3:
            data = bytearray(noise.randbytes(noise.randrange(1, 3000)))
        with Client(server) as client:
            client.send_quietly(bytes(data))
            with suppress(OSError):
                client.half_close()
            answer = client.read_to_end()
            assert answer == b"" or answer.startswith(b"HTTP/1.1 "), answer
    assert_serves(server)
    assert "GET /smuggled" not in server.calls()[before:]


def test_a_hundred_megabytes_of_head(server: Server) -> None:
    """It is refused long before it is all there, whatever the client goes on to send."""
    with Client(server) as client:
        with suppress(OSError):
            for _ in range(1600):
                client.send(b"X: y\r\n" * 10_000)
        with suppress(ConnectionEnded):  # the reset may have overtaken the answer
            assert client.read().status == 400
    assert_serves(server)


def test_what_comes_behind_a_refused_body_is_bounded(server: Server) -> None:
    """A client that ignores the answer and goes on sending is cut, however slowly it sends."""
    head = b"POST /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 1000000000\r\n\r\n"

    def cut(client: Client) -> bool:
        try:
            client.send(b"x" * 1000)
        except OSError:
            return True
        return False

    with Client(server) as client:
        client.send(head)
        assert client.read().status == 400
        wait_until(lambda: cut(client), "the end of the connection", 15)
    assert_serves(server)


def test_a_client_that_never_reads_pipelined_answers(server: Server) -> None:
    """Its requests are not taken in without end: the server stops reading, and memory stays
    bounded.
    """
    with Client(server, receive_buffer=4096) as client:
        client.socket.settimeout(1)
        sent = 0
        with pytest.raises(TimeoutError):
            for _ in range(4000):
                client.send(request(target="/sized?bytes=20000") * 100)
                sent += 100
        assert sent < 200_000
        client.reset()
    assert_serves(server)


def test_nothing_is_left_behind(serve: Serve, kind: str) -> None:
    """Descriptors and memory of a worker after a storm of bad clients are what they were before."""
    server = serve(kind=kind)

    def descriptors() -> int:
        return len(list(Path(f"/proc/{server.worker_pids[0]}/fd").iterdir()))

    def storm() -> None:
        for number in range(60):
            with Client(server) as client:
                client.send(request("POST", "/echo", body=b"x" * 3000)[: 50 * number + 1])
                client.reset()
            with Client(server, receive_buffer=4096) as client:
                client.send(request(target="/blocks?bytes=3000000"))
                client.read_head()
                client.reset()

    assert_serves(server)
    before = descriptors()
    storm()
    wait_until(lambda: descriptors() <= before + 2, f"{before} descriptors, as before the storm")
    assert_serves(server)
