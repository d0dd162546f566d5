"""The site in Litestar."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import File, Redirect, Stream
from site_facts import COOKIES, STREAM_LINES, download, measured, stream_line


@get("/", media_type=MediaType.TEXT)
async def index() -> str:
    return "litestar"


@get("/json")
async def get_json(request: Request) -> dict[str, Any]:
    return {"method": "GET", "args": dict(request.query_params), "sent": None}


@post("/json", status_code=200)
async def post_json(request: Request) -> dict[str, Any]:
    args = dict(request.query_params)
    return {"method": "POST", "args": args, "sent": await request.json()}


@post("/upload", status_code=200)
async def upload(
    data: Annotated[dict[str, UploadFile], Body(media_type=RequestEncodingType.MULTI_PART)],
) -> dict[str, Any]:
    file = data["file"]
    return measured(file.filename, await file.read())


@get("/download")
async def send_download() -> File:
    return File(download())


@get("/stream")
async def stream() -> Stream:
    lines = (stream_line(number) for number in range(STREAM_LINES))
    return Stream(lines, media_type="text/event-stream")


@get("/redirect", status_code=302)
async def away() -> Redirect:
    return Redirect("/")


@get("/cookies")
async def cookies(request: Request) -> Response[dict[str, str]]:
    response = Response(dict(request.cookies))
    for name, value in COOKIES.items():
        response.set_cookie(name, value)
    return response


@get("/error")
async def error() -> None:
    raise RuntimeError("deliberate")


handlers = [index, get_json, post_json, upload, send_download, stream, away, cookies, error]
app = Litestar(handlers)
