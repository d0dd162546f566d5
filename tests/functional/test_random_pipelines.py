"""Random pipelines, cut anywhere: requests of all kinds behind each other, in pieces from one byte
to all of it, to clients that read at once or hardly at all. Every answer must come, in order and
whole.

A seed says everything: `-k "asgi and 7"` repeats a case.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from conftest import Serve
from http_client import Client, Response, chunked, request

SEEDS = 12
TIGHT = ["--request-buffer-memory", "1000", "--response-buffer-memory", "20000"]
SERVERS = {
    "asgi": ("asgi", []),
    "gthread": ("gthread", []),
    "sync": ("sync", TIGHT),
    "unbuffered": ("gthread", ["--no-request-buffering"]),
}


@dataclass
class Step:
    data: bytes
    check: Callable[[Response], bool]
    method: str = "GET"


def sized(target: str) -> Callable[[random.Random], Step]:
    def step(chance: random.Random) -> Step:
        size = chance.choice([0, 1, 1000, 65536, 300_000])
        return Step(request(target=f"{target}?bytes={size}"), lambda r: len(r.body) == size)

    return step


def some_body(chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice([1, 10, 3000, 70_000, 200_000]))


def echoed(chance: random.Random) -> Step:
    body = some_body(chance)
    expects = [("Expect", "100-continue")] if chance.random() < 0.3 else []
    return Step(request("POST", "/echo", expects, body), lambda r: r.body == body)


def echoed_in_chunks(chance: random.Random) -> Step:
    body = some_body(chance)
    cuts = sorted({0, len(body), *(chance.randrange(len(body)) for _ in range(10))})
    pieces = [body[begin:end] for begin, end in itertools.pairwise(cuts)]
    trailers = [("x-sum", "1")] if chance.random() < 0.3 else []
    data = request("POST", "/echo", [("Transfer-Encoding", "chunked")])
    return Step(data + chunked(*pieces, trailers=trailers), lambda r: r.body == body)


def unread(chance: random.Random) -> Step:
    body = some_body(chance)[:60_000]
    return Step(request("POST", "/unread", body=body), lambda r: r.body == b"unread")


def streamed(chance: random.Random) -> Step:
    count = chance.randrange(40)
    target = f"/chunks?n={count}&size=500"
    return Step(request(target=target), lambda r: len(r.body) == 500 * count)


def without_body(chance: random.Random) -> Step:
    code = chance.choice([204, 304])
    return Step(request(target=f"/status/{code}?body=no"), lambda r: r.status == code)


def plain(_: random.Random) -> Step:
    return Step(request(target="/hello"), lambda r: r.body == b"Hello, World!")


def head(_: random.Random) -> Step:
    return Step(request("HEAD", "/blocks?bytes=100000"), lambda r: r.status == 200, "HEAD")


def hinted(_: random.Random) -> Step:
    return Step(request(target="/hints"), lambda r: len(r.informational) == 1)


def asterisk(_: random.Random) -> Step:
    return Step(request("OPTIONS", "*"), lambda r: r.status == 200, "OPTIONS")


STEPS = [
    *(plain, head, hinted, asterisk, without_body, streamed, unread, echoed, echoed_in_chunks),
    *(sized("/sized"), sized("/blocks")),
]


def send_in_pieces(client: Client, data: bytes, chance: random.Random) -> None:
    at = 0
    while at < len(data):
        size = chance.choice([1, 7, 100, 1500, 65536, 1_000_000])
        if len(data) > 200_000:
            size = max(size, 1500)
        client.send(data[at : at + size])
        at += size


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("name", SERVERS)
def test_random_pipelines(shared: Serve, name: str, seed: int) -> None:
    kind, arguments = SERVERS[name]
    server = shared(None, *arguments, kind=kind)
    chance = random.Random(f"{name} {seed}")
    steps = [chance.choice(STEPS)(chance) for _ in range(chance.randrange(1, 25))]
    half_closes, hesitates = chance.random() < 0.3, chance.random() < 0.3
    with Client(server, receive_buffer=chance.choice([None, 4096])) as client:
        sending = threading.Thread(
            target=send_in_pieces, args=(client, b"".join(step.data for step in steps), chance)
        )
        sending.start()
        try:
            for number, step in enumerate(steps):
                if hesitates and number % 5 == 0:
                    time.sleep(0.005)  # so that answers pile up
                response = client.read(step.method)
                assert step.check(response), (number, step.data[:100], response)
        finally:
            sending.join()
        if half_closes:
            client.half_close()
            client.assert_ended()
