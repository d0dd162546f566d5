"""The probe app as bare WSGI. common_asgi.py answers the same routes the same way; README.md lists
them.
"""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from urllib.parse import parse_qsl

from probe import record

HELLO = b"Hello, World!"
BLOCK = b"x" * 65536


def app(environ, start_response):
    path = environ["SCRIPT_NAME"] + environ["PATH_INFO"]
    record("call", method=environ["REQUEST_METHOD"], path=path)
    query = dict(parse_qsl(environ["QUERY_STRING"]))
    route = ROUTES.get([*path.split("/"), ""][1], missing)
    return route(environ, start_response, query)


def answer(start_response, body, status="200 OK", headers=()):
    named = {name.lower() for name, _ in headers}
    fields = [("Content-Type", "text/plain"), *headers]
    if "content-length" not in named:
        fields.append(("Content-Length", str(len(body))))
    start_response(status, fields)
    return [body]


def hello(environ, start_response, query):
    return answer(start_response, HELLO)


def missing(environ, start_response, query):
    return answer(start_response, b"no such route", "404 Not Found")


def unread(environ, start_response, query):
    return answer(start_response, b"unread")


def echo(environ, start_response, query):
    body = environ["wsgi.input"].read()
    record("body", bytes=len(body))
    return answer(start_response, body)


def digest(environ, start_response, query):
    total, digester = 0, hashlib.sha256()
    while block := environ["wsgi.input"].read(65536):
        total += len(block)
        digester.update(block)
    record("body", bytes=total)
    return answer(start_response, f"{total} {digester.hexdigest()}".encode())


def status(environ, start_response, query):
    code = environ["PATH_INFO"].split("/")[2]
    start_response(f"{code} Probe", [("ETag", '"probe"')] if code == "304" else [])
    body = query.get("body", "").encode()
    return [body] if body else []


def chunks(environ, start_response, query):
    size = int(query.get("size", 10))
    start_response("200 OK", [("Content-Type", "text/plain")])
    for number in range(int(query.get("n", 5))):
        yield b"%c" % (97 + number % 26) * size


def sized(environ, start_response, query):
    return answer(start_response, b"x" * int(query["bytes"]))


class blocks:
    """A large body with a Content-Length, in pieces; an object, to see when close() is called."""

    def __init__(self, environ, start_response, query):
        self.left = int(query["bytes"])
        start_response("200 OK", [("Content-Length", str(self.left))])

    def __iter__(self):
        while self.left:
            block = BLOCK[: self.left]
            self.left -= len(block)
            yield block

    def close(self):
        record("finished" if not self.left else "send-failed", left=self.left)


def wait(environ, start_response, query):
    """Answers once the file exists: the test decides when."""
    while not Path(query["file"]).exists():
        time.sleep(0.01)
    return answer(start_response, b"waited")


def drip(environ, start_response, query):
    """Sends one block, waits for the file, then sends the rest."""
    start_response("200 OK", [])
    yield b"first"
    while not Path(query["file"]).exists():
        time.sleep(0.01)
    yield b"second"


def request(environ, start_response, query):
    headers = [
        [k[5:].replace("_", "-").lower(), v] for k, v in environ.items() if k.startswith("HTTP_")
    ]
    headers += [
        [k.replace("_", "-").lower(), environ[k]]
        for k in ("CONTENT_TYPE", "CONTENT_LENGTH")
        if environ.get(k)
    ]
    seen = {
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"].encode("latin-1").decode(errors="replace"),
        "raw_path": environ.get("RAW_URI", environ.get("REQUEST_URI", "")).partition("?")[0],
        "query": environ["QUERY_STRING"],
        "root_path": environ["SCRIPT_NAME"],
        "scheme": environ["wsgi.url_scheme"],
        "version": environ["SERVER_PROTOCOL"].partition("/")[2],
        "client": environ["REMOTE_ADDR"],
        "headers": headers,
    }
    return answer(start_response, json.dumps(seen).encode())


def raise_(environ, start_response, query):
    raise ValueError("deliberate")


def raise_late(environ, start_response, query):
    start_response("200 OK", [])
    yield b"partial"
    raise ValueError("deliberate")


def too_long(environ, start_response, query):
    """Promises 5 bytes and sends 10."""
    return answer(start_response, b"0123456789", headers=[("Content-Length", "5")])


def too_short(environ, start_response, query):
    """Promises 10 bytes and sends 5."""
    return answer(start_response, b"01234", headers=[("Content-Length", "10")])


def header(environ, start_response, query):
    """Answers with one header as the query names it, however wrong."""
    return answer(start_response, b"header", headers=[(query["name"], query["value"])])


def hints(environ, start_response, query):
    environ["wsgi.early_hints"]([("Link", "</style.css>; rel=preload; as=style")])
    return answer(start_response, b"after hints")


def exit_(environ, start_response, query):
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
    "exit": exit_,
}
