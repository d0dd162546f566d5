"""Requests of every kind that could leave something behind, and what the process holds."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import json
import tracemalloc

kept = []
START = {"type": "http.response.start", "status": 200, "headers": []}


class MallocInfo(ctypes.Structure):
    """struct mallinfo2 of glibc."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks"),
            *("uordblks", "fordblks", "keepcost"),
        )
    ]


async def app(scope, receive, send):
    if scope["type"] == "http":
        await ROUTES[scope["path"]](receive, send)


async def plain(receive, send):
    await send(START)
    await send({"type": "http.response.body", "body": b"x" * 100})


async def streamed(receive, send):
    await send(START)
    for _ in range(5):
        await send({"type": "http.response.body", "body": b"x" * 20_000, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body"})


async def upload(receive, send):
    while (await receive()).get("more_body"):
        pass
    await plain(receive, send)


async def raises(receive, send):
    raise ValueError("deliberate")


async def raises_late(receive, send):
    await send(START)
    await send({"type": "http.response.body", "body": b"x", "more_body": True})
    raise ValueError("deliberate")


async def waits(receive, send):
    """Two tasks in receive(), until the client goes."""
    first = asyncio.create_task(receive())
    while (await receive())["type"] != "http.disconnect":
        pass
    await first


async def streams_for_ever(receive, send):
    await send(START)
    while True:
        await send({"type": "http.response.body", "body": b"x" * 30_000, "more_body": True})


async def wrong(receive, send):
    for message in ({}, {"type": "x"}, {**START, "headers": [(b"a", b"\n")]}):
        with contextlib.suppress(RuntimeError, ValueError):
            await send(message)
    await plain(receive, send)


async def leaks(receive, send):
    """The smallest of each kind."""
    kept.append({})
    ctypes.CDLL(None).malloc(1)
    await plain(receive, send)


async def held(receive, send):
    """The bytes that Python's objects take, and those that malloc() has given out."""
    if not tracemalloc.is_tracing():
        tracemalloc.start()
    for _ in range(3):
        gc.collect()
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = MallocInfo
    native = libc.mallinfo2()
    facts = {
        "python": tracemalloc.get_traced_memory()[0],
        "native": native.uordblks + native.hblkhd,
        "tasks": len(asyncio.all_tasks()),
    }
    await send(START)
    await send({"type": "http.response.body", "body": json.dumps(facts).encode()})


ROUTES = {
    "/plain": plain,
    "/streamed": streamed,
    "/upload": upload,
    "/raises": raises,
    "/raises-late": raises_late,
    "/waits": waits,
    "/streams-for-ever": streams_for_ever,
    "/wrong": wrong,
    "/leaks": leaks,
    "/held": held,
}
