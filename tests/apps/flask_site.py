"""The site in Flask."""

from __future__ import annotations

from flask import Flask, Response, jsonify, make_response, redirect, request, send_file
from site_facts import COOKIES, STREAM_LINES, download, measured, stream_line

app = Flask(__name__)


@app.get("/")
def index():
    return "flask"


@app.route("/json", methods=["GET", "POST"])
def json():
    return jsonify(method=request.method, args=request.args, sent=request.get_json(silent=True))


@app.post("/upload")
def upload():
    file = request.files["file"]
    return jsonify(measured(file.filename, file.read()))


@app.get("/download")
def send_download():
    return send_file(download(), conditional=True)


@app.get("/stream")
def stream():
    return Response((stream_line(n) for n in range(STREAM_LINES)), mimetype="text/event-stream")


@app.get("/redirect")
def away():
    return redirect("/")


@app.get("/cookies")
def cookies():
    response = make_response(jsonify(request.cookies))
    for name, value in COOKIES.items():
        response.set_cookie(name, value)
    return response


@app.get("/error")
def error():
    raise RuntimeError("deliberate")
