"""A middleware that holds the server to the ASGI specification: HTTP 2.5, lifespan 2.0, and the
four extensions. It stands in front of the test applications and looks at every scope and every
event.

What is wrong is written to standard error as "ASGI violation: …", which fails the test that used
the server (cppcorn_server.CRASHES).
"""

from __future__ import annotations

import sys
from urllib.parse import unquote_to_bytes

EXTENSIONS = {
    "http.response.early_hint",
    "http.response.pathsend",
    "http.response.trailers",
    "http.response.zerocopysend",
}
HTTP_SCOPE = {
    "type": str,
    "asgi": dict,
    "http_version": str,
    "method": str,
    "scheme": str,
    "path": str,
    "raw_path": bytes,
    "query_string": bytes,
    "root_path": str,
    "headers": list,
    "client": (tuple, type(None)),
    "server": (tuple, type(None)),
    "state": dict,
    "extensions": dict,
}
LIFESPAN_SCOPE = {"type": str, "asgi": dict, "state": dict}
REQUEST = {"type": str, "body": bytes, "more_body": bool}
# Which messages the response takes where.
EXPECTED = {
    "start": ("http.response.start", "http.response.early_hint"),
    "body": (
        "http.response.body",
        "http.response.early_hint",
        "http.response.pathsend",
        "http.response.zerocopysend",
    ),
    "trailers": ("http.response.trailers",),
    "complete": (),
}


def violation(text):
    print(f"ASGI violation: {text}", file=sys.stderr, flush=True)


def require(condition, text):
    if not condition:
        violation(text)


def check_types(what, given, wanted):
    require(type(given) is dict, f"{what} is a {type(given).__name__}")
    require(given.keys() == wanted.keys(), f"{what} has the keys {sorted(given)}")
    for key, kind in wanted.items():
        kinds = kind if isinstance(kind, tuple) else (kind,)
        right = type(given.get(key)) in kinds
        require(right, f"{what}[{key!r}] is a {type(given.get(key)).__name__}")


def check_headers(headers):
    for pair in headers:
        right = len(pair) == 2 and all(type(part) is bytes for part in pair)
        require(right, f"a header is {pair!r}")
        name, value = pair
        require(name and name == name.lower(), f"a header's name is {name!r}")
        clean = value == value.strip(b" \t") and not set(value) & {0, 10, 13}
        require(clean, f"a header's value is {value!r}")


def check_end(what, end):
    if end is None:
        return
    host, port = end
    right = type(host) is str and (port is None or (type(port) is int and 0 <= port < 65536))
    require(right and host, f"{what} is {end!r}")


def check_http_scope(scope):
    check_types("scope", scope, HTTP_SCOPE)
    require(scope["asgi"] == {"version": "3.0", "spec_version": "2.5"}, f"asgi: {scope['asgi']}")
    require(scope["http_version"] in ("1.0", "1.1"), f"http_version: {scope['http_version']!r}")
    require(scope["method"] == scope["method"].upper() != "", f"method: {scope['method']!r}")
    require(scope["scheme"] in ("http", "https"), f"scheme: {scope['scheme']!r}")
    raw_path = scope["raw_path"]
    require(raw_path[:1] in (b"/", b"*") and b"?" not in raw_path, f"raw_path: {raw_path!r}")
    decoded = unquote_to_bytes(raw_path).decode("utf-8", "replace")
    require(scope["path"] == decoded, f"path: {scope['path']!r} of {raw_path!r}")
    check_headers(scope["headers"])
    check_end("client", scope["client"])
    check_end("server", scope["server"])
    extensions = scope["extensions"]
    require(all(value == {} for value in extensions.values()), f"extensions: {extensions}")
    codings = b",".join(value for name, value in scope["headers"] if name == b"te").lower()
    takes = any(c.split(b";")[0].strip() == b"trailers" for c in codings.split(b","))
    offered = EXTENSIONS if takes else EXTENSIONS - {"http.response.trailers"}
    if scope["http_version"] == "1.0":
        offered = offered - {"http.response.trailers"}
    require(extensions.keys() == offered, f"extensions: {sorted(extensions)}")


class Request:
    """One request as the specification's state machines see it."""

    def __init__(self, receive, send):
        self._receive = receive
        self._send = send
        self._body_ended = False
        self._disconnected = False
        self._expected = "start"
        self._trailers = False

    async def receive(self):
        event = await self._receive()
        if event.get("type") == "http.disconnect":
            check_types("http.disconnect", event, {"type": str})
            self._disconnected = True
            return event
        check_types("the event", event, REQUEST)
        require(event["type"] == "http.request", f"the event is {event['type']!r}")
        require(not self._body_ended, "http.request behind the end of the body")
        require(not self._disconnected, "http.request behind http.disconnect")
        require(self._expected != "complete", "http.request behind the response")
        self._body_ended = not event["more_body"]
        return event

    async def send(self, message):
        kind = message.get("type") if isinstance(message, dict) else None
        allowed = kind in EXPECTED[self._expected]
        try:
            await self._send(message)
        except OSError as error:
            if type(error).__name__ == "ClientDisconnected":
                self._disconnected = True
            raise
        except RuntimeError as error:
            if "expected ASGI message" in str(error):
                require(not allowed, f"{kind} was refused where {self._expected} is due: {error}")
            raise
        require(allowed, f"{kind} was accepted where {self._expected} is due")
        self._advance(kind, message)

    def _advance(self, kind, message):
        if kind == "http.response.start":
            self._trailers = bool(message.get("trailers", False))
            self._expected = "body"
        elif kind == "http.response.trailers":
            self._expected = "trailers" if message.get("more_trailers") else "complete"
        elif kind != "http.response.early_hint" and not message.get("more_body"):
            self._expected = "trailers" if self._trailers else "complete"


class Lifespan:
    def __init__(self, receive, send):
        self._receive = receive
        self._send = send
        self._told = []
        self._said = []

    async def receive(self):
        event = await self._receive()
        check_types("the event", event, {"type": str})
        wanted = ["lifespan.startup", "lifespan.shutdown"][len(self._told) :][:1]
        require([event["type"]] == wanted, f"{event['type']!r} behind {self._told}")
        if event["type"] == "lifespan.shutdown":
            complete = self._said == ["lifespan.startup.complete"]
            require(complete, f"lifespan.shutdown behind {self._said}")
        self._told.append(event["type"])
        return event

    async def send(self, message):
        await self._send(message)
        self._said.append(message["type"])


def checked(app):
    """The application with the middleware in front of it."""

    async def checked_app(scope, receive, send):
        if scope["type"] == "lifespan":
            check_types("the lifespan's scope", scope, LIFESPAN_SCOPE)
            asgi = {"version": "3.0", "spec_version": "2.0"}
            require(scope["asgi"] == asgi, f"the lifespan's asgi: {scope['asgi']}")
            require(scope["state"] == {}, f"the lifespan's state: {scope['state']}")
            request = Lifespan(receive, send)
        else:
            require(scope["type"] == "http", f"type: {scope['type']!r}")
            check_http_scope(scope)
            request = Request(receive, send)
        await app(scope, request.receive, request.send)

    return checked_app
