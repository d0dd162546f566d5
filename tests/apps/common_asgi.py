"""The probe app as bare ASGI. common_wsgi.py answers the same routes the same way; README.md lists
them.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from pathlib import Path
from urllib.parse import parse_qsl

from probe import record
from spec_check import checked

HELLO = b"Hello, World!"
BLOCK = b"x" * 65536


class Gone(Exception):
    """The client went away while its body was read."""


@checked
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    record("call", method=scope["method"], path=scope["path"])
    query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
    route = ROUTES.get([*scope["path"].split("/"), ""][1], missing)
    with contextlib.suppress(Gone):
        await route(scope, receive, send, query)


async def lifespan(receive, send):
    while True:
        message = await receive()
        record(message["type"])
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def blocks_of(receive):
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            record("disconnect")
            raise Gone
        record("piece", bytes=len(message.get("body", b"")))
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def answer(send, body, status=200, headers=()):
    named = {name.lower() for name, _ in headers}
    fields = [(b"content-type", b"text/plain"), *headers]
    if b"content-length" not in named:
        fields.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def hello(scope, receive, send, query):
    await answer(send, HELLO)


async def missing(scope, receive, send, query):
    await answer(send, b"no such route", 404)


async def unread(scope, receive, send, query):
    await answer(send, b"unread")


async def echo(scope, receive, send, query):
    body = b"".join([block async for block in blocks_of(receive)])
    record("body", bytes=len(body))
    await answer(send, body)


async def digest(scope, receive, send, query):
    total, digester = 0, hashlib.sha256()
    async for block in blocks_of(receive):
        total += len(block)
        digester.update(block)
    record("body", bytes=total)
    await answer(send, f"{total} {digester.hexdigest()}".encode())


async def status(scope, receive, send, query):
    code = int(scope["path"].split("/")[2])
    headers = [(b"etag", b'"probe"')] if code == 304 else []
    body = query.get("body", "").encode()
    await send({"type": "http.response.start", "status": code, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def chunks(scope, receive, send, query):
    size = int(query.get("size", 10))
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/plain")],
        }
    )
    for number in range(int(query.get("n", 5))):
        await send(
            {
                "type": "http.response.body",
                "body": b"%c" % (97 + number % 26) * size,
                "more_body": True,
            }
        )
    await send({"type": "http.response.body"})


async def sized(scope, receive, send, query):
    await answer(send, b"x" * int(query["bytes"]))


async def blocks(scope, receive, send, query):
    """A large body with a Content-Length, in pieces."""
    left = int(query["bytes"])
    headers = [(b"content-length", b"%d" % left)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    try:
        while left:
            block = BLOCK[:left]
            left -= len(block)
            await send({"type": "http.response.body", "body": block, "more_body": bool(left)})
    except OSError:
        record("send-failed", left=left)
        return
    record("finished")


async def gate(query):
    while not Path(query["file"]).exists():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def wait(scope, receive, send, query):
    """Answers once the file exists: the test decides when."""
    await gate(query)
    await answer(send, b"waited")


async def drip(scope, receive, send, query):
    """Sends one block, waits for the file, then sends the rest."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    await gate(query)
    await send({"type": "http.response.body", "body": b"second"})


async def request(scope, receive, send, query):
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "raw_path": scope["raw_path"].decode("latin-1"),
        "query": scope["query_string"].decode("latin-1"),
        "root_path": scope["root_path"],
        "scheme": scope["scheme"],
        "version": scope["http_version"],
        "client": scope["client"][0],
        "headers": [[n.decode("latin-1"), v.decode("latin-1")] for n, v in scope["headers"]],
    }
    await answer(send, json.dumps(seen).encode())


async def raise_(scope, receive, send, query):
    raise ValueError("deliberate")


async def raise_late(scope, receive, send, query):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"partial", "more_body": True})
    raise ValueError("deliberate")


async def too_long(scope, receive, send, query):
    """Promises 5 bytes and sends 10."""
    await answer(send, b"0123456789", headers=[(b"content-length", b"5")])


async def too_short(scope, receive, send, query):
    """Promises 10 bytes and sends 5."""
    await answer(send, b"01234", headers=[(b"content-length", b"10")])


async def header(scope, receive, send, query):
    """Answers with one header as the query names it, however wrong."""
    field = (query["name"].encode("latin-1"), query["value"].encode("latin-1"))
    await answer(send, b"header", headers=[field])


async def hints(scope, receive, send, query):
    assert "http.response.early_hint" in scope["extensions"]
    await send(
        {"type": "http.response.early_hint", "links": [b"</style.css>; rel=preload; as=style"]}
    )
    await answer(send, b"after hints")


async def trailers(scope, receive, send, query):
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"trailer", b"x-sum")],
            "trailers": True,
        }
    )
    await send({"type": "http.response.body", "body": b"with trailers"})
    await send(
        {"type": "http.response.trailers", "headers": [(b"x-sum", b"13")], "more_trailers": False}
    )


async def exit_(scope, receive, send, query):
    raise SystemExit("deliberate")


ROUTES = {
    "": hello,
    "hello": hello,
    "unread": unread,
    "echo": echo,
    "digest": digest,
    "status": status,
    "chunks": chunks,
    "sized": sized,
    "blocks": blocks,
    "wait": wait,
    "drip": drip,
    "request": request,
    "raise": raise_,
    "raise-late": raise_late,
    "too-long": too_long,
    "too-short": too_short,
    "header": header,
    "hints": hints,
    "trailers": trailers,
    "exit": exit_,
}
