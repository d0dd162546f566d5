"""A Flask app: `cppcorn -k gthread --threads 4 examples.flask_app:app`, or `./dev run` with the
same words.

The same page and API as fastapi_app.py. The upload reaches a thread only once it is complete, and
the answer leaves it at once, however slow the client is.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from flask import Flask, Response, jsonify, request

from examples.pages import page

NOTES_MAX = 100  # the oldest go first: this is an example, not a database

app = Flask(__name__)
_notes = [{"text": "Kept in this worker's memory."}]
_notes_lock = threading.Lock()


@app.get("/")
def index() -> str:
    return page(
        "Flask", os.getpid(), f"A pool thread made this page: {threading.current_thread().name}."
    )


@app.get("/api/notes")
def list_notes() -> Response:
    with _notes_lock:
        return jsonify(_notes)


@app.post("/api/notes")
def add_note() -> tuple[Response, int]:
    sent = request.get_json(silent=True)
    text = sent.get("text") if isinstance(sent, dict) else None
    if not isinstance(text, str) or not 1 <= len(text) <= 200:
        return jsonify(error="text: 1 to 200 characters"), 422
    with _notes_lock:
        _notes.append({"text": text})
        del _notes[:-NOTES_MAX]
        return jsonify(_notes), 201


@app.get("/api/ticks")
def ticks() -> Response:
    interval_s = min(max(request.args.get("interval_s", 0.5, type=float), 0.0), 5.0)

    def events() -> Iterator[str]:
        for number in range(1, 11):
            yield f"data: {number:2} {datetime.now(UTC):%H:%M:%S.%f}\n\n"
            time.sleep(interval_s)
        yield "event: end\ndata: \n\n"

    return Response(events(), mimetype="text/event-stream", headers={"cache-control": "no-store"})


@app.post("/api/measure")
def measure() -> Response:
    size, digest = 0, hashlib.sha256()
    while block := request.stream.read(65536):
        size += len(block)
        digest.update(block)
    return jsonify(bytes=size, sha256=digest.hexdigest())
