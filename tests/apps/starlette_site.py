"""The site in Starlette, with what only ASGI has: lifespan state, context variables, background
tasks.
"""

from __future__ import annotations

import contextlib
import contextvars

from probe import record
from site_facts import COOKIES, STREAM_LINES, download, measured, stream_line
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    StreamingResponse,
)
from starlette.routing import Route

of_lifespan = contextvars.ContextVar("of_lifespan", default="unset")
of_request = contextvars.ContextVar("of_request", default="unset")


@contextlib.asynccontextmanager
async def lifespan(app):
    of_lifespan.set("set at start")
    record("started")
    yield {"shared": [], "number": 1}
    record("stopped")


async def index(request):
    return PlainTextResponse("starlette")


async def json(request):
    sent = await request.json() if request.method == "POST" else None
    return JSONResponse(
        {"method": request.method, "args": dict(request.query_params), "sent": sent}
    )


async def upload(request):
    async with request.form() as form:
        file = form["file"]
        return JSONResponse(measured(file.filename, await file.read()))


async def send_download(request):
    return FileResponse(download())


async def stream(request):
    async def lines():
        for number in range(STREAM_LINES):
            yield stream_line(number)

    return StreamingResponse(lines(), media_type="text/event-stream")


async def away(request):
    return RedirectResponse("/", status_code=302)


async def cookies(request):
    response = JSONResponse(request.cookies)
    for name, value in COOKIES.items():
        response.set_cookie(name, value)
    return response


async def error(request):
    raise RuntimeError("deliberate")


async def context(request):
    """What this request sees before it sets its own."""
    before = of_request.get()
    of_request.set("leaked")
    return JSONResponse({"lifespan": of_lifespan.get(), "request": before})


async def state(request):
    """The mapping is the request's own, what it holds is shared."""
    request.state.number += 1
    request.state.shared.append(1)
    return JSONResponse({"number": request.state.number, "shared": len(request.state.shared)})


async def background(request):
    return PlainTextResponse("answered", background=BackgroundTask(record, "background"))


async def drain_body(request):
    record("draining")
    try:
        async for _ in request.stream():
            pass
    except ClientDisconnect:
        record("client-disconnect")
        raise
    return PlainTextResponse("read")


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/", index),
        Route("/json", json, methods=["GET", "POST"]),
        Route("/upload", upload, methods=["POST"]),
        Route("/download", send_download),
        Route("/stream", stream),
        Route("/redirect", away),
        Route("/cookies", cookies),
        Route("/error", error),
        Route("/context", context),
        Route("/state", state),
        Route("/background", background),
        Route("/drain", drain_body, methods=["POST"]),
    ],
)
