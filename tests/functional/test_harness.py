"""The harness itself: that its parser is strict, and that it notices a crash. No server is needed
here.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import socket
import sys
from typing import Any

import pytest
from cppcorn_server import APPS, CRASHES
from http_client import Client, ConnectionEnded, chunked, request

sys.path.append(str(APPS))
import spec_check


def client_that_reads(data: bytes) -> Client:
    client = Client.__new__(Client)
    client.socket, far = socket.socketpair()
    client.socket.settimeout(5)
    client._buffer, client._ended, client.bytes_read = bytearray(), False, 0
    far.sendall(data)
    far.close()
    return client


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nBad Name: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nname: a\rb\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nbody until the end, unannounced",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
    ],
)
def test_the_parser_refuses_what_the_rfc_does(data: bytes) -> None:
    with client_that_reads(data) as client, pytest.raises(AssertionError):
        client.read()


def test_the_parser_reads_what_is_right() -> None:
    data = b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
    data += b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with client_that_reads(data + chunked(b"ab", b"c", trailers=[("x-sum", "3")])) as client:
        response = client.read()
        assert (response.status, response.body, response.chunks) == (200, b"abc", [2, 1, 0])
        assert response.trailers == [("x-sum", "3")] and response.informational[0].status == 103
        with pytest.raises(ConnectionEnded):
            client.read()


def test_requests_are_spelled_as_told() -> None:
    assert (
        request("POST", "/a", [("x", "y")], b"hi")
        == b"POST /a HTTP/1.1\r\nHost: test\r\nx: y\r\nContent-Length: 2\r\n\r\nhi"
    )
    assert request(host=None, version="1.0") == b"GET / HTTP/1.0\r\n\r\n"


@pytest.mark.parametrize(
    "line",
    ["==1==ERROR: AddressSanitizer: heap-use", "a.cc:3:1: runtime error: x", "check failed: y"],
)
def test_crash_texts_are_known(line: str) -> None:
    assert CRASHES.search(line)


SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.5"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/a b",
    "raw_path": b"/a%20b",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"host", b"a")],
    "client": ("127.0.0.1", 5000),
    "server": ("127.0.0.1", 80),
    "state": {},
    "extensions": {
        f"http.response.{name}": {} for name in ("early_hint", "pathsend", "zerocopysend")
    },
}
LAST = {"type": "http.request", "body": b"", "more_body": False}
GONE = {"type": "http.disconnect"}
START = {"type": "http.response.start", "status": 200}
END = {"type": "http.response.body"}


def violations(
    scope: dict[str, object], events: list[dict[str, object]], messages: list[dict[str, object]]
) -> str:
    """What spec_check says of a server that gives these events and accepts every message."""
    given = iter(events)

    async def receive() -> dict[str, object]:
        return next(given)

    async def send(message: dict[str, object]) -> None:
        pass

    async def app(_scope: object, receive: Any, send: Any) -> None:
        for _ in events:
            await receive()
        for message in messages:
            await send(message)

    with contextlib.redirect_stderr(io.StringIO()) as said:
        asyncio.run(spec_check.checked(app)(scope, receive, send))
    return said.getvalue()


def test_a_right_server_violates_nothing() -> None:
    assert violations(SCOPE, [{**LAST, "more_body": True}, LAST, GONE, GONE], [START, END]) == ""


@pytest.mark.parametrize(
    "wrong,events,messages,said",
    [
        ({"path": b"/a b"}, [], [], "scope['path'] is a bytes"),
        ({"path": "/other"}, [], [], "path: '/other'"),
        ({"more": 1}, [], [], "has the keys"),
        ({"method": "get"}, [], [], "method: 'get'"),
        ({"headers": [(b"Host", b"a")]}, [], [], "a header's name"),
        ({"headers": [(b"host", b"a\r\n")]}, [], [], "a header's value"),
        ({"client": ("127.0.0.1", "80")}, [], [], "client is"),
        ({"extensions": {}}, [], [], "extensions: []"),
        ({}, [LAST, LAST], [], "behind the end of the body"),
        ({}, [GONE, LAST], [], "behind http.disconnect"),
        ({}, [{**LAST, "body": "text"}], [], "the event['body'] is a str"),
        ({}, [], [END], "http.response.body was accepted where start is due"),
        ({}, [], [START, START], "was accepted where body is due"),
        ({}, [], [START, END, END], "was accepted where complete is due"),
        ({}, [], [{**START, "trailers": True}, END, END], "where trailers is due"),
    ],
)
def test_a_wrong_server_is_seen(wrong: Any, events: Any, messages: Any, said: str) -> None:
    assert said in violations({**SCOPE, **wrong}, events, messages)


def test_a_violation_fails_the_test() -> None:
    assert CRASHES.search(violations(SCOPE, [], [END]))
