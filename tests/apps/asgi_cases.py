"""What an ASGI application may do right and wrong: one route a case. Most answer with a JSON of
what
they saw.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import tempfile
import threading
from http import HTTPStatus

from probe import record
from spec_check import checked

START = {"type": "http.response.start", "status": 200, "headers": []}
END = {"type": "http.response.body", "body": b"", "more_body": False}
kept = {}
released = asyncio.Event()


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        scope["state"].update(shared=[], number=1)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    name = scope["path"].rsplit("/", 1)[-1].replace("-", "_")
    route = ROUTES[name] if name in RAW else checked(ROUTES[name])
    await route(scope, receive, send)


async def shows_scope(scope, receive, send):
    """An application of its own, for targets that name no route."""
    if scope["type"] == "http":
        await scope_seen(scope, receive, send)


async def answer(send, value):
    body = json.dumps(value).encode()
    await send({**START, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})


async def outcome(call):
    """What a call of send or receive raised, as "Type: text", or "none"."""
    try:
        await call()
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return "none"


async def scope_seen(scope, receive, send):
    facts = {
        name: [type(value).__name__, repr(value) if isinstance(value, bytes) else value]
        for name, value in scope.items()
        if name != "headers"
    }
    facts["headers"] = [
        [name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]
    ]
    pairs = [(type(name), type(value)) for name, value in scope["headers"]]
    facts["all bytes"] = all(pair == (bytes, bytes) for pair in pairs)
    await answer(send, facts)


async def state_is_copied(scope, receive, send):
    scope["state"]["number"] += 1
    scope["state"]["shared"].append(1)
    await answer(send, scope["state"]["number"])


async def wrong_messages(scope, receive, send):
    """None of these may reach the client, and all must say what is wrong."""
    wrong = {
        "not a dict": [],
        "no type": {},
        "type of type": {"type": 1},
        "unknown": {"type": "http.nonsense"},
        "body first": END,
        "trailers first": {"type": "http.response.trailers"},
        "no status": {"type": "http.response.start"},
        "status text": {**START, "status": "200"},
        "status range": {**START, "status": 99},
        "status huge": {**START, "status": 10**30},
        "headers number": {**START, "headers": 1},
        "header str": {**START, "headers": [("a", b"b")]},
        "value str": {**START, "headers": [(b"a", "b")]},
        "header triple": {**START, "headers": [(b"a", b"b", b"c")]},
        "header newline": {**START, "headers": [(b"a", b"b\r\nc: d")]},
        "header name": {**START, "headers": [(b"a b", b"c")]},
        "length": {**START, "headers": [(b"content-length", b"-1")]},
    }
    seen = {name: await outcome(lambda m=message: send(m)) for name, message in wrong.items()}
    await send({**START, "status": HTTPStatus.OK, "headers": iter([[b"x-kept", b"yes"]])})
    seen["start twice"] = await outcome(lambda: send(START))
    seen["body str"] = await outcome(lambda: send({"type": "http.response.body", "body": "text"}))
    seen["file missing"] = await outcome(
        lambda: send({"type": "http.response.pathsend", "path": "/nowhere/at/all"})
    )
    seen["file directory"] = await outcome(
        lambda: send({"type": "http.response.pathsend", "path": "/"})
    )
    await send({"type": "http.response.body", "body": json.dumps(seen).encode()})
    record("after the end", outcome=await outcome(lambda: send(END)))
    record("then", message=await receive())


async def lengths(scope, receive, send):
    await send({**START, "headers": [(b"content-length", b"20")]})
    seen = [
        await outcome(lambda: send({"type": "http.response.body", "body": b"x" * 21})),
        await outcome(lambda: send({"type": "http.response.body", "body": b"x" * 19})),
    ]
    record("lengths", seen=seen)
    await send({"type": "http.response.body", "body": bytearray(b"x" * 20)})


async def several_wait(scope, receive, send):
    """Two tasks in receive() beside this one: both hear of the end."""
    never_awaited = receive()
    first = await receive()
    tasks = [asyncio.create_task(receive()), asyncio.ensure_future(asyncio.wait_for(receive(), 30))]
    await asyncio.sleep(0)
    never_awaited.close()
    await answer(send, first["body"].decode())
    record("heard", messages=[m["type"] for m in await asyncio.gather(*tasks)])


async def cancelled_wait(scope, receive, send):
    await receive()
    waiting = asyncio.create_task(receive())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    try:
        async with asyncio.timeout(0.01):
            await receive()
        timed_out = False
    except TimeoutError:
        timed_out = True
    await answer(send, [waiting.cancelled(), timed_out])


async def is_in_a_task(scope, receive, send):
    task = asyncio.current_task()
    async with asyncio.TaskGroup() as group:
        child = group.create_task(asyncio.sleep(0, "child"))
    listed = task in asyncio.all_tasks()
    await answer(
        send,
        {
            "same": asyncio.current_task() is task,
            "listed": listed,
            "child": child.result(),
            "name": bool(task.get_name()),
            "frame": hasattr(task.get_coro(), "cr_frame"),
            "repr": "app" in repr(task),
        },
    )


async def keep(scope, receive, send):
    kept.update(send=send, receive=receive)
    await answer(send, "kept")


async def use_kept(scope, receive, send):
    seen = [
        await outcome(lambda: kept["send"](START)),
        (await kept["receive"]())["type"],
    ]
    await answer(send, seen)


async def other_thread(scope, receive, send):
    seen = []

    def work():
        for call in (lambda: send(START), receive):
            try:
                call()
                seen.append("none")
            except RuntimeError as error:
                seen.append(str(error))

    waiting = receive()

    def work_on_ours():
        try:
            waiting.send(None)
        except RuntimeError as error:
            seen.append(str(error))

    for target in (work, work_on_ours):
        thread = threading.Thread(target=target)
        thread.start()
        thread.join()
    await answer(send, seen)


async def system_exit(scope, receive, send):
    raise SystemExit(3)


async def child_exits(scope, receive, send):
    """As behind Starlette's BaseHTTPMiddleware, which runs the application in a task of its own."""
    await asyncio.create_task(system_exit(scope, receive, send))


async def callback_exits(scope, receive, send):
    asyncio.get_running_loop().call_soon(sys.exit, 3)
    await asyncio.sleep(0.01)
    await answer(send, "alive")


async def waits(scope, receive, send):
    record("waiting")
    await released.wait()
    await answer(send, "released")


async def release(scope, receive, send):
    released.set()
    released.clear()
    await answer(send, "done")


async def cancel_all(scope, receive, send):
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.sleep(0)
    await answer(send, "cancelled")


async def hear_cancellation(scope, receive, send):
    record("working")
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        record("cancelled")
        raise


async def keyboard_interrupt(scope, receive, send):
    raise KeyboardInterrupt


async def cancel_itself(scope, receive, send):
    asyncio.current_task().cancel()
    await asyncio.sleep(1)


async def stop_the_loop(scope, receive, send):
    asyncio.get_running_loop().stop()
    await answer(send, await outcome(close_loop))


async def close_loop():
    asyncio.get_running_loop().close()


async def close_watched_fd(scope, receive, send):
    """A descriptor that is closed while the loop watches it, and its number used again."""
    loop = asyncio.get_running_loop()
    reading, writing = os.pipe()
    loop.add_reader(reading, record, "never")
    os.close(reading)
    with open(__file__) as file:  # a regular file, which epoll cannot watch, under the same number
        reused = file.fileno()
        await asyncio.sleep(0)
    loop.remove_reader(reading)
    os.close(writing)
    record("reused", same=reused == reading)
    await answer(send, "alive")


async def delete_in_del(scope, receive, send):
    class Nasty:
        def __del__(self):
            self.receive()
            gc.collect()

    nasty = Nasty()
    nasty.receive, nasty.send, nasty.itself = receive, send, nasty
    del nasty
    gc.collect()
    await answer(send, "alive")


async def forgets_to_end(scope, receive, send):
    await send(START)
    await send({"type": "http.response.body", "body": b"x", "more_body": True})


async def forgets_to_start(scope, receive, send):
    pass


def not_awaitable_now(scope, receive, send):
    return 1


async def not_awaitable(scope, receive, send):
    await not_awaitable_now(scope, receive, send)


async def streams_for_ever(scope, receive, send):
    """Until send says that the client is gone; nothing of it may be logged."""
    await send(START)
    block = {"type": "http.response.body", "body": b"x" * 65536, "more_body": True}
    sent = 0
    try:
        while True:
            await send(block)
            sent += 1
            if sent % 64 == 0:
                record("sent", blocks=sent)
    except OSError as error:
        record("gone", type=type(error).__name__, then=(await receive())["type"])
        raise


async def event_stream(scope, receive, send):
    """As sse-starlette does: returns once it is told that the client is gone."""
    await send(START)
    await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass
    record("told")


async def early_hint(scope, receive, send):
    hint = {"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]}
    await send(hint)
    await send({**START, "headers": [(b"x-late", b"1")]})
    await send(hint)
    seen = await outcome(lambda: send({**hint, "links": [b"a\r\nb"]}))
    await send({"type": "http.response.body", "body": seen.encode()})


async def trailers(scope, receive, send):
    announced = "http.response.trailers" in scope["extensions"]
    await send({**START, "headers": [(b"trailer", b"x-sum")], "trailers": True})
    await send({"type": "http.response.body", "body": str(announced).encode()})
    early = await outcome(lambda: send(END))
    record("body behind the body", outcome=early)
    part = {"type": "http.response.trailers", "headers": [(b"x-sum", b"1")]}
    await send({**part, "more_trailers": True})
    await send({**part, "headers": [(b"x-more", b"2")]})


async def path_send(scope, receive, send):
    await send(START)
    await send({"type": "http.response.pathsend", "path": __file__})


async def zero_copy_send(scope, receive, send):
    message = {"type": "http.response.zerocopysend", "more_body": True}
    with tempfile.TemporaryFile() as file:
        file.write(b"0123456789")
        file.flush()
        file.seek(2)
        await send(START)
        await send({"type": "http.response.body", "body": b"[", "more_body": True})
        await send({**message, "file": file, "count": 3})
        await send({**message, "file": file, "offset": 0, "count": 1})
        await send({**message, "file": file.fileno(), "offset": 8})
        await send({**message, "file": file})
    seen = await outcome(lambda: send({**message, "file": 1 << 20}))
    await send({"type": "http.response.body", "body": b"]" + seen.split(":")[0].encode()})


async def objects(scope, receive, send):
    """How many objects the collector knows of, after three collections."""
    for _ in range(3):
        gc.collect()
    await answer(send, len(gc.get_objects()))


# Those that look at what receive() and send() return, not only at what they give.
RAW = {"several_wait", "other_thread", "delete_in_del", "keep", "use_kept"}
ROUTES = {
    name: function
    for name, function in list(globals().items())
    if asyncio.iscoroutinefunction(function)
    and name not in ("app", "shows_scope", "answer", "outcome")
}
