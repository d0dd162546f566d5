"""Thousands of requests of every kind leave nothing behind, neither in Python nor in C++."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from conftest import Serve
from cppcorn_server import Server, is_sanitized, wait_until
from http_client import Client, ConnectionEnded, request

pytestmark = pytest.mark.timeout(240)  # thousands of requests, on sanitized builds too

ROUNDS = 1500
WARM_UP = 1200  # fills the caches, of 256 addresses for one
# Of growth a request, which leaves room for a cache that fills late: less than the smallest object
# that could be left, which has a header of 16 bytes in Python and of 16 in malloc().
BYTES_MAX = 24


def answered(path: str, body: bytes = b"") -> Callable[[Server, int], None]:
    """That many requests in one connection after the other, as long as they live."""

    def ask(server: Server, count: int) -> None:
        client = Client(server)
        for _ in range(count):
            client.send(request("POST" if body else "GET", path, body=body))
            try:
                ended = client.read().says_close
            except ConnectionEnded:
                ended = True
            if ended:
                client.close()
                client = Client(server)
        client.close()

    return ask


def left(path: str, how: str, *, reads: bool = False) -> Callable[[Server, int], None]:
    """Clients that go before their answer is complete."""

    def leave(server: Server, count: int) -> None:
        for _ in range(count):
            with Client(server) as client:
                client.send(request("POST", path, [("Content-Length", "50")]) + b"some")
                if reads:
                    client.read_head()
                getattr(client, how)()

    return leave


KINDS = {
    "plain": answered("/plain"),
    "streamed": answered("/streamed"),
    "uploaded": answered("/upload", b"x" * 5000),
    "refused messages": answered("/wrong"),
    "raising": answered("/raises"),
    "raising late": answered("/raises-late"),
    "reset in the body": left("/upload", "reset"),
    "closed while waiting": left("/waits", "close"),
    "reset while waiting": left("/waits", "reset"),
    "reset while streaming": left("/streams-for-ever", "reset", reads=True),
}


def held(server: Server) -> dict[str, int]:
    """What the worker holds once nothing but the asking request is left."""

    def look() -> dict[str, int]:
        with Client(server) as client:
            facts: dict[str, int] = json.loads(client.get("/held").body)
        return facts

    return wait_until(lambda: (facts := look())["tasks"] <= 1 and facts, "the tasks to end")


def growth(server: Server, use: Callable[[Server, int], None]) -> dict[str, int]:
    held(server)  # begins to trace
    use(server, WARM_UP)
    before = held(server)
    use(server, ROUNDS)
    after = held(server)
    return {name: after[name] - before[name] for name in ("python", "native")}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left(shared: Serve, kind: str) -> None:
    grown = growth(shared("leak_cases:app", kind="asgi"), KINDS[kind])
    assert max(grown.values()) <= ROUNDS * BYTES_MAX, grown


@pytest.mark.skipif(is_sanitized(), reason="a sanitizer's malloc() tells nothing")
def test_the_smallest_leak_is_seen(shared: Serve) -> None:
    grown = growth(shared("leak_cases:app", kind="asgi"), answered("/leaks"))
    assert min(grown.values()) > ROUNDS * BYTES_MAX, grown
