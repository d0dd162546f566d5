"""The harness itself: that its parser is strict, and that it notices a crash. No server is needed
here.
"""

from __future__ import annotations

import socket

import pytest
from cppcorn_server import CRASHES
from http_client import Client, ConnectionEnded, chunked, request


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
