"""An app that prints and logs."""

from __future__ import annotations

import logging


def talk():
    print("printed by the app", flush=True)
    logging.getLogger("talkative").warning("warned by the app")


def wsgi(environ, start_response):
    talk()
    start_response("200 OK", [("Content-Length", "0")])
    return []


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    talk()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body"})
