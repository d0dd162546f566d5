"""The site in Quart."""

from __future__ import annotations

from quart import Quart, jsonify, make_response, redirect, request, send_file
from site_facts import COOKIES, STREAM_LINES, download, measured, stream_line

app = Quart(__name__)


@app.get("/")
async def index():
    return "quart"


@app.route("/json", methods=["GET", "POST"])
async def json():
    sent = await request.get_json(silent=True)
    return jsonify(method=request.method, args=request.args, sent=sent)


@app.post("/upload")
async def upload():
    file = (await request.files)["file"]
    return jsonify(measured(file.filename, file.read()))


@app.get("/download")
async def send_download():
    return await send_file(download())


@app.get("/stream")
async def stream():
    async def lines():
        for number in range(STREAM_LINES):
            yield stream_line(number)

    return lines(), 200, {"content-type": "text/event-stream"}


@app.get("/redirect")
async def away():
    return redirect("/")


@app.get("/cookies")
async def cookies():
    response = await make_response(jsonify(request.cookies))
    for name, value in COOKIES.items():
        response.set_cookie(name, value)
    return response


@app.get("/error")
async def error():
    raise RuntimeError("deliberate")
