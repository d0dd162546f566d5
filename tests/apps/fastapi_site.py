"""The site in FastAPI, with a dependency, a synchronous endpoint in the thread pool, and a
middleware.
"""

from __future__ import annotations

import threading
from typing import Annotated, Any

from fastapi import BackgroundTasks, Body, Depends, FastAPI, Request, Response, UploadFile
from fastapi.responses import (
    FileResponse,
    PlainTextResponse,
    RedirectResponse,
    StreamingResponse,
)
from probe import record
from site_facts import COOKIES, STREAM_LINES, download, measured, stream_line

app = FastAPI()


@app.middleware("http")
async def stamp(request: Request, call_next: Any) -> Response:
    response = await call_next(request)
    response.headers["x-middleware"] = "passed"
    return response


@app.get("/", response_class=PlainTextResponse)
async def index() -> str:
    return "fastapi"


@app.get("/json")
async def get_json(request: Request) -> dict[str, Any]:
    return {"method": "GET", "args": dict(request.query_params), "sent": None}


@app.post("/json")
async def post_json(request: Request, sent: Annotated[Any, Body()]) -> dict[str, Any]:
    return {"method": "POST", "args": dict(request.query_params), "sent": sent}


@app.post("/upload")
async def upload(file: UploadFile) -> dict[str, Any]:
    return measured(file.filename or "", await file.read())


@app.get("/download")
async def send_download() -> FileResponse:
    return FileResponse(download())


@app.get("/stream")
async def stream() -> StreamingResponse:
    lines = (stream_line(number) for number in range(STREAM_LINES))
    return StreamingResponse(lines, media_type="text/event-stream")


@app.get("/redirect")
async def away() -> RedirectResponse:
    return RedirectResponse("/", status_code=302)


@app.get("/cookies")
async def cookies(request: Request, response: Response) -> dict[str, str]:
    for name, value in COOKIES.items():
        response.set_cookie(name, value)
    return request.cookies


@app.get("/error")
async def error() -> None:
    raise RuntimeError("deliberate")


def main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@app.get("/threads")
def threads(dependency: Annotated[bool, Depends(main_thread)]) -> dict[str, bool]:
    return {"endpoint": main_thread(), "dependency": dependency}


@app.get("/background")
async def background(tasks: BackgroundTasks) -> str:
    tasks.add_task(record, "background")
    return "answered"
