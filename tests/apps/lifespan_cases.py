"""Applications whose lifespan goes in every way it can."""

from __future__ import annotations

import asyncio

from probe import record


async def _serve(send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"served"})


def _application(lifespan):
    async def application(scope, receive, send):
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
        else:
            await _serve(send)

    return application


async def _hang(word):
    record(word)
    try:
        await asyncio.sleep(3600)
    finally:
        record("cancelled")


@_application
async def raises(receive, send):
    raise ValueError("no lifespan here")


@_application
async def returns(receive, send):
    pass


@_application
async def fails(receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "the database is away"})


@_application
async def fails_and_loops(receive, send):
    """The specification's own example: a loop over receive() that only the shutdown leaves."""
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.failed", "message": "the database is away"})


@_application
async def raises_in_startup(receive, send):
    await receive()
    raise ValueError("no connection")


@_application
async def hangs_in_startup(receive, send):
    await receive()
    await _hang("starting")


@_application
async def loops_for_ever(receive, send):
    while True:
        kind = (await receive())["type"]
        record("told", type=kind)
        await send({"type": f"{kind}.complete"})


@_application
async def cancels_all_in_shutdown(receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    record("cancelled", others=len(others))
    await send({"type": "lifespan.shutdown.complete"})


@_application
async def gives_up(receive, send):
    raise SystemExit("not today")


@_application
async def wrong_message(receive, send):
    await receive()
    try:
        await send({"type": "lifespan.shutdown.complete"})
    except RuntimeError as error:
        record("refused", text=str(error))
    await send({"type": "lifespan.startup.complete"})
    record("told", type=(await receive())["type"])
    await send({"type": "lifespan.shutdown.failed", "message": "could not say goodbye"})


@_application
async def hangs_in_shutdown(receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await _hang("hanging")


@_application
async def dies_later(receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    raise ValueError("deliberate")
