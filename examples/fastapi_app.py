"""A FastAPI app: `cppcorn examples.fastapi_app:app`, or `./dev run` from a checkout.

A page, a JSON API with validation, a stream of server-sent events, a streamed upload, and lifespan
state.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypedDict

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import BaseModel, Field

from examples.pages import page

NOTES_MAX = 100  # the oldest go first: this is an example, not a database


class Note(BaseModel):
    text: str = Field(min_length=1, max_length=200)


class State(TypedDict):
    notes: list[Note]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[State]:
    yield {"notes": [Note(text="Kept in this worker's lifespan state.")]}


app = FastAPI(title="cppcorn example", lifespan=lifespan)


@app.get("/", response_class=HTMLResponse, include_in_schema=False)
async def index() -> str:
    docs = ' and <a href="/docs">the rest</a>'
    return page("FastAPI", os.getpid(), "HTTP is C++ inside asyncio's own selector.", docs)


@app.get("/api/notes")
async def list_notes(request: Request) -> list[Note]:
    return request.state.notes


@app.post("/api/notes", status_code=201)
async def add_note(note: Note, request: Request) -> list[Note]:
    notes = request.state.notes
    notes.append(note)
    del notes[:-NOTES_MAX]
    return notes


@app.get("/api/ticks")
async def ticks(interval_s: float = 0.5) -> StreamingResponse:
    async def events() -> AsyncIterator[str]:
        for number in range(1, 11):
            yield f"data: {number:2} {datetime.now(UTC):%H:%M:%S.%f}\n\n"
            await asyncio.sleep(min(max(interval_s, 0.0), 5.0))
        yield "event: end\ndata: \n\n"

    return StreamingResponse(
        events(), media_type="text/event-stream", headers={"cache-control": "no-store"}
    )


@app.post("/api/measure")
async def measure(request: Request) -> dict[str, int | str]:
    size, digest = 0, hashlib.sha256()
    async for block in request.stream():
        size += len(block)
        digest.update(block)
    return {"bytes": size, "sha256": digest.hexdigest()}
