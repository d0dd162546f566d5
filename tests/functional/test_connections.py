"""HTTP/1.1 as an honest client uses it: persistence, pipelining, framing both ways, in every worker
kind.
"""

from __future__ import annotations

import email.utils
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Serve
from cppcorn_server import Server, wait_until
from http_client import Client, chunked, request

Connect = Callable[..., Client]


# --- Persistence ---


def test_a_connection_carries_many_requests(client: Client) -> None:
    for number in range(50):
        body = b"%d" % number
        assert client.exchange("POST", "/echo", body=body).body == body


def test_the_client_may_ask_for_the_end(client: Client) -> None:
    response = client.get("/hello", [("Connection", "close")])
    assert response.status == 200 and response.says_close
    client.assert_ended()


def test_the_app_may_ask_for_the_end(client: Client) -> None:
    assert client.get("/header?name=Connection&value=close").says_close
    client.assert_ended()


def test_http10_closes(client: Client) -> None:
    response = client.exchange("GET", "/hello", version="1.0")
    assert response.body == b"Hello, World!" and response.says_close
    client.assert_ended()


def test_http10_keeps_alive_when_asked(client: Client) -> None:
    for _ in range(3):
        response = client.exchange("GET", "/hello", [("Connection", "keep-alive")], version="1.0")
        assert response.header("connection") == "keep-alive"


def test_http10_without_a_length_ends_with_the_connection(client: Client) -> None:
    response = client.exchange("GET", "/chunks?n=3", [("Connection", "keep-alive")], version="1.0")
    assert response.until_close and response.body == b"a" * 10 + b"b" * 10 + b"c" * 10


def test_an_idle_connection_is_closed(serve: Serve, kind: str, connect: Connect) -> None:
    client = connect(serve(None, "--keep-alive", "1", kind=kind))
    assert client.get("/hello").status == 200
    began = time.monotonic()
    client.assert_ended()
    assert 0.5 < time.monotonic() - began < 5


# --- Pipelining ---


def test_pipelined_requests_are_answered_in_order(server: Server, client: Client) -> None:
    numbers = range(64)
    client.send(b"".join(request("POST", "/echo", body=b"%d" % number) for number in numbers))
    assert [client.read().body for _ in numbers] == [b"%d" % number for number in numbers]


def test_a_slow_first_response_holds_the_others_back(
    server: Server, client: Client, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    client.send(
        request(target=f"/wait?file={gate}")
        + request("POST", "/echo", body=b"in the middle")
        + request("HEAD", "/hello")
        + request(target="/chunks?n=2")
    )
    client.assert_quiet(0.2)
    gate.touch()
    assert client.read().body == b"waited"
    assert client.read().body == b"in the middle"
    assert client.read("HEAD").header("content-length") == "13"
    assert client.read().body == b"a" * 10 + b"b" * 10


def test_many_more_than_any_queue(client: Client) -> None:
    """A client that pipelines without end is slowed down, not refused."""
    count = 3000
    client.send(*[request(target="/hello") * 100] * (count // 100))
    for _ in range(count):
        assert client.read().body == b"Hello, World!"


def test_the_last_of_a_pipeline_closes(client: Client) -> None:
    last = request(target="/hello", headers=[("Connection", "close")])
    client.send(request(target="/hello") * 3 + last + request(target="/hello"))
    assert [client.read().says_close for _ in range(4)] == [False, False, False, True]
    client.assert_ended()


def test_a_pipeline_behind_a_large_response(client: Client) -> None:
    client.send(request(target="/blocks?bytes=3000000") + request(target="/hello") * 2)
    assert len(client.read().body) == 3000000
    assert client.read().body == client.read().body == b"Hello, World!"


# --- Responses without a body ---


def test_head_is_get_without_the_body(client: Client) -> None:
    for target, length in [
        ("/hello", "13"),
        ("/chunks", None),
        ("/blocks?bytes=1000000", "1000000"),
    ]:
        response = client.exchange("HEAD", target)
        assert response.status == 200
        assert response.header("content-length") in (length, None if length is None else length)
    assert client.get("/hello").body == b"Hello, World!"


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("body", ["", "?body=forbidden"])
def test_statuses_without_a_body(client: Client, status: int, body: str) -> None:
    response = client.get(f"/status/{status}{body}")
    assert response.status == status and response.body == b""
    assert client.get("/hello").body == b"Hello, World!"


@pytest.mark.parametrize("status", [200, 404, 500, 599])
def test_an_empty_body_has_a_length(client: Client, status: int) -> None:
    response = client.get(f"/status/{status}")
    assert response.status == status and response.header("content-length") == "0"


# --- Bodies ---


@pytest.mark.parametrize("size", [1, 1000, 65536, 65537, 3_000_000])
def test_bodies_arrive_whole(client: Client, size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert client.exchange("POST", "/echo", body=body).body == body


@pytest.mark.parametrize("size", [1, 1000, 65536, 1_000_000])
def test_chunked_bodies_arrive_whole(client: Client, size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    blocks = [body[at : at + 50_000] for at in range(0, size, 50_000)]
    client.send(request("PUT", "/echo", [("Transfer-Encoding", "chunked")]), chunked(*blocks))
    assert client.read().body == body


def test_streamed_responses_are_chunked(client: Client) -> None:
    response = client.get("/chunks?n=100&size=1024")
    assert response.header("transfer-encoding") == "chunked"
    assert response.body == b"".join(b"%c" % (97 + i % 26) * 1024 for i in range(100))


def test_a_block_leaves_when_it_is_sent(client: Client, tmp_path: Path) -> None:
    """A stream is a stream: the first block is there while the app still waits."""
    gate = tmp_path / "gate"
    client.send(request(target=f"/drip?file={gate}"))
    head = client.read_head()
    blocks = client.body_blocks(head)
    assert next(blocks) == b"first"
    gate.touch()
    assert b"".join(blocks) == b"second"


def test_an_empty_chunked_body(client: Client) -> None:
    client.send(request("POST", "/echo", [("Transfer-Encoding", "chunked")]), b"0\r\n\r\n")
    assert client.read().body == b""
    assert client.get("/hello").status == 200


def test_large_responses(client: Client) -> None:
    response = client.get("/sized?bytes=5000000")
    assert response.header("content-length") == "5000000" and len(response.body) == 5000000


# --- Trailers, hints, expectations ---


def test_trailers_go_to_who_accepts_them(shared: Serve, connect: Connect) -> None:
    client = connect(shared(kind="asgi"))
    response = client.get("/trailers", [("TE", "trailers")])
    assert response.body == b"with trailers" and response.trailers == [("x-sum", "13")]
    response = client.get("/trailers")
    assert response.body == b"with trailers" and response.trailers == []


def test_early_hints(client: Client) -> None:
    response = client.get("/hints")
    assert [hint.status for hint in response.informational] == [103]
    assert response.informational[0].header("link") == "</style.css>; rel=preload; as=style"
    assert response.body == b"after hints"


def test_no_early_hints_in_http10(client: Client) -> None:
    response = client.exchange("GET", "/hints", version="1.0")
    assert response.informational == [] and response.body == b"after hints"


def test_continue_is_sent_before_the_body(server: Server, client: Client) -> None:
    """To an ASGI app once it reads; in WSGI at once, since the server buffers."""
    headers = [("Expect", "100-continue"), ("Content-Length", "5")]
    client.send(request("POST", "/echo", headers))
    assert client.read_head().status == 100
    client.send(b"hello")
    response = client.read()
    assert response.body == b"hello" and response.informational == []
    assert client.get("/hello").status == 200


def test_no_continue_when_the_app_does_not_read(shared: Serve, connect: Connect) -> None:
    client = connect(shared(kind="asgi"))
    headers = [("Expect", "100-continue"), ("Content-Length", "5")]
    response = client.exchange("POST", "/unread", headers)
    assert response.informational == [] and response.body == b"unread"
    # The body will not come, so what comes next could be mistaken for it.
    assert response.says_close
    client.assert_ended()


def test_no_continue_to_http10_or_without_a_body(client: Client) -> None:
    expects = [("Expect", "100-continue")]
    assert client.get("/hello", expects).informational == []
    response = client.exchange("POST", "/echo", expects, b"hello", version="1.0")
    assert response.informational == [] and response.body == b"hello"


# --- Targets ---


def test_forms_of_the_target(client: Client) -> None:
    def seen(method: str, target: str) -> dict[str, str]:
        return json.loads(client.exchange(method, target).body)

    absolute = seen("GET", "http://test/request?a=%20")
    assert (absolute["path"], absolute["query"], absolute["scheme"]) == (
        "/request",
        "a=%20",
        "http",
    )
    encoded = seen("GET", "/request/a%20b%2Fc/%C3%A4?x=1&y=%C3%A4")
    assert encoded["path"] == "/request/a b/c/ä" and encoded["query"] == "x=1&y=%C3%A4"
    assert encoded["raw_path"] == "/request/a%20b%2Fc/%C3%A4"
    assert client.exchange("OPTIONS", "*").status in (200, 404)
    assert client.get("http://test").body == b"Hello, World!"


def test_the_asterisk_reaches_the_app(server: Server, client: Client) -> None:
    before = len(server.calls())
    client.exchange("OPTIONS", "*")
    assert server.calls()[before:] == ["OPTIONS *"]


# --- What every response says ---


def test_date_and_server(client: Client) -> None:
    response = client.get("/hello")
    date = response.header("date")
    assert date and date.endswith(" GMT")
    assert abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time()) < 10
    assert (response.header("server") or "").startswith("cppcorn")


def test_an_app_has_its_own_date_and_server(client: Client) -> None:
    date = "Sat, 21 Nov 2020 08:00:00 GMT"
    assert client.get(f"/header?name=Date&value={date.replace(' ', '%20')}").header("date") == date
    assert client.get("/header?name=Server&value=mine").header("server") == "mine"


def test_date_and_server_can_be_switched_off(serve: Serve, kind: str, connect: Connect) -> None:
    server = serve(
        None, "--no-date-header", "--no-server-header", "--header", "X-More: yes", kind=kind
    )
    response = connect(server).get("/hello")
    assert response.header("date") is None and response.header("server") is None
    assert response.header("x-more") == "yes"


# --- Half-closed clients ---


def test_a_half_closed_client_gets_its_answer(client: Client, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    client.send(request(target=f"/wait?file={gate}"))
    client.half_close()
    client.assert_quiet(0.1)
    gate.touch()
    assert client.read().body == b"waited"
    client.assert_ended()


def test_a_half_closed_pipeline_is_answered_whole(client: Client) -> None:
    client.send(request(target="/hello") * 5)
    client.half_close()
    for _ in range(5):
        assert client.read().body == b"Hello, World!"
    client.assert_ended()


@pytest.mark.parametrize("part", ["GET", "GET / HTTP/1.1\r\nHost: te"])
def test_half_a_head_and_the_end(server: Server, client: Client, part: str) -> None:
    before = len(server.calls())
    client.send(part.encode())
    client.half_close()
    rest = client.read_to_end()
    assert rest == b"" or rest.startswith(b"HTTP/1.1 400")
    assert server.calls()[before:] == []


def test_half_a_body_and_the_end(server: Server, client: Client) -> None:
    """WSGI does not call the app; ASGI tells it, once."""
    before = len(server.events())
    client.send(request("POST", "/echo", [("Content-Length", "10")]) + b"hello")
    client.half_close()
    assert client.read().status == 400
    client.assert_ended()

    def kinds() -> list[str]:
        return [event["event"] for event in server.events()[before:] if event["event"] != "piece"]

    expected = ["call", "disconnect"] if server.kind == "asgi" else []
    wait_until(lambda: len(kinds()) >= len(expected), "what the app is told")
    assert kinds() == expected


# --- Addresses ---


def get_by_unix(path: Path, target: str) -> bytes:
    """The whole answer, head included."""
    with socket.socket(socket.AF_UNIX) as connected:
        connected.settimeout(10)
        connected.connect(str(path))
        connected.sendall(request(target=target, headers=[("Connection", "close")]))
        received = b""
        while data := connected.recv(65536):
            received += data
    return received


def test_unix_sockets(serve: Serve, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    server = serve(None, kind=kind, bind=f"unix:{path}")
    received = get_by_unix(path, "/hello")
    assert received.startswith(b"HTTP/1.1 200") and received.endswith(b"Hello, World!")
    assert server.calls() == ["GET /hello"]


def test_each_unix_socket_is_the_server_of_its_requests(serve: Serve, tmp_path: Path) -> None:
    """ASGI's scope["server"]."""
    paths = [tmp_path / name for name in ("a", "b")]
    binds = [argument for path in paths for argument in ("-b", f"unix:{path}")]
    server = serve("asgi_cases:app", *binds, kind="asgi")
    for path in paths:
        seen = json.loads(get_by_unix(path, "/scope-seen").partition(b"\r\n\r\n")[2])
        assert seen["server"][1] == [str(path), None]
        assert seen["client"][1] is None
    with Client(server) as client:
        seen = json.loads(client.get("/scope-seen").body)
    assert seen["server"][1] == ["127.0.0.1", server.port]


def test_several_binds(serve: Serve, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    server = serve(None, "-b", f"unix:{path}", kind=kind)
    assert len(server.urls) == 2
    with Client(server) as client:
        assert client.get("/hello").status == 200
    with socket.socket(socket.AF_UNIX) as connected:
        connected.settimeout(10)
        connected.connect(str(path))
        connected.sendall(request(target="/hello"))
        assert connected.recv(65536).startswith(b"HTTP/1.1 200")
