"""What a request can see of its own asyncio task, tried one case a request: GET /NAME runs one and
answers with JSON that must not depend on whether the task was made before the request began
(--asgi-lazy-tasks).

Most cases look at the task at a moment of their own, because that is when a lazy task becomes a
whole one: before the first suspension, behind it, from outside, after the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import weakref

import loop_cases

variable = contextvars.ContextVar("variable", default="unset")
PATIENCE_S = 15
kept = {}  # what one request leaves for another


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    name = scope["path"][1:].replace("-", "_")
    if name in ANSWERED_FIRST:
        await answer(send, "answered")
        await ANSWERED_FIRST[name]()
        return
    await answer(send, await CASES[name]())


async def answer(send, facts):
    body = json.dumps(facts).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def soon():
    """A future that the next turn of the loop completes."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_soon(lambda: future.done() or future.set_result("done"))
    return future


# --- Identity and looks ---


async def identity():
    before = asyncio.current_task()
    await asyncio.sleep(0)
    return [
        isinstance(before, asyncio.Task),
        asyncio.isfuture(before),
        before is asyncio.current_task(),
        before in asyncio.all_tasks(),
        before.get_loop() is asyncio.get_running_loop(),
        hash(before) == hash(asyncio.current_task()),
    ]


async def names():
    task = asyncio.current_task()
    named = task.get_name().startswith("Task-")
    task.set_name("mine")
    await asyncio.sleep(0)
    return [named, task.get_name()]


async def state_while_running():
    task = asyncio.current_task()
    text = repr(task)
    return [task.done(), task.cancelled(), task.cancelling(), "Task" in text, "pending" in text]


async def attributes_of_the_app():
    task = asyncio.current_task()
    task.of_the_app = 1
    await asyncio.sleep(0)
    return task.of_the_app


async def weakly_kept():
    states = weakref.WeakKeyDictionary()
    states[asyncio.current_task()] = "mine"
    await asyncio.sleep(0)
    return states[asyncio.current_task()]


# --- Suspending ---


async def future():
    return await soon()


async def finished_future():
    done = asyncio.get_running_loop().create_future()
    done.set_result("done at once")
    return await done


async def failing_future():
    waited = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(waited.set_exception, ValueError("failed"))
    try:
        await waited
    except ValueError as error:
        return str(error)


async def several_sleeps():
    order = []
    loop = asyncio.get_running_loop()
    for number in range(3):
        loop.call_soon(order.append, number)
        await asyncio.sleep(0)
    return order


async def a_sleep_after_a_look():
    asyncio.current_task().get_name()
    called = []
    asyncio.get_running_loop().call_soon(called.append, "called")
    await asyncio.sleep(0)
    return called


async def a_child_within_a_timeout():
    began = []

    async def child():
        began.append("child")

    async with asyncio.timeout(PATIENCE_S):
        task = asyncio.create_task(child())
        await asyncio.sleep(0)
        seen = list(began)
    await task
    return seen


async def order_of_waking_up():
    loop, order = asyncio.get_running_loop(), []
    first, second = loop.create_future(), loop.create_future()

    async def child():
        await second
        order.append("child")

    def wake_both():
        first.set_result(None)
        second.set_result(None)

    task = asyncio.create_task(child())
    loop.call_soon(wake_both)
    await first
    order.append("request")
    await task
    return order


async def a_loop_inside_of_a_step():
    """As packages do that let an application run its loop again inside of itself."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    task.get_name()
    asyncio.tasks._leave_task(loop, task)
    try:
        loop.call_soon(lambda: None)
        loop._run_once()
    finally:
        asyncio.tasks._enter_task(loop, task)
    await asyncio.sleep(0)
    return "went on"


async def a_look_that_fails():
    """A task that could not be made is not waited for in vain: what failed, fails again."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ValueError), failing_once(loop):
        asyncio.current_task().get_name()
    return "went on"


async def a_look_that_fails_and_a_wait():
    await a_look_that_fails()
    await asyncio.sleep(0)


@contextlib.contextmanager
def failing_once(loop):
    """Nobody can ask whether the loop is in debug mode, which Task.__init__ does."""

    def fail():
        raise ValueError

    loop.get_debug = fail
    try:
        yield
    finally:
        loop.__dict__.pop("get_debug", None)


async def bad_yield():
    class Bad:
        def __await__(self):
            yield "what is this?"

    try:
        await Bad()
    except RuntimeError as error:
        return str(error)[:16]


async def waiting_for_itself():
    task = asyncio.current_task()
    try:
        await task
    except RuntimeError as error:
        return str(error)[:23]


async def context():
    token = variable.set("inside")
    await asyncio.sleep(0)
    seen = [variable.get(), await asyncio.create_task(value_of(variable))]
    variable.reset(token)
    return [*seen, variable.get()]


async def value_of(what):
    return what.get()


# --- Cancellation ---


async def cancelled_by_itself():
    task = asyncio.current_task()
    task.cancel("by itself")
    try:
        await soon()
    except asyncio.CancelledError as error:
        return [error.args, task.cancelling(), task.uncancel()]


async def cancelled_by_itself_then_asleep():
    asyncio.current_task().cancel()
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        asyncio.current_task().uncancel()
        return "cancelled"


async def cancelled_from_outside():
    """Before the loop's next turn, when nothing has looked at the task yet."""
    task = asyncio.current_task()
    waited = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(lambda: task.cancel("from outside"))
    try:
        await waited
    except asyncio.CancelledError as error:
        return [error.args, waited.cancelled(), task.uncancel()]


async def cancelled_from_outside_at_once():
    """The future is cancelled within cancel()."""
    loop, task, seen = asyncio.get_running_loop(), asyncio.current_task(), []
    waited = loop.create_future()
    loop.call_soon(lambda: (task.cancel(), seen.append(waited.cancelled())))
    try:
        await waited
    except asyncio.CancelledError:
        task.uncancel()
        return [*seen, "cancelled"]


async def cancelled_before_a_child_began():
    began, task = [], asyncio.current_task()

    async def child():
        began.append("child")

    asyncio.get_running_loop().call_soon(lambda: task.cancel())
    try:
        await asyncio.create_task(child())
    except asyncio.CancelledError:
        task.uncancel()
    return began


async def cancelled_with_a_finished_future():
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    waited = loop.create_future()
    loop.call_soon(lambda: (waited.set_result("done"), task.cancel()))
    try:
        await waited
    except asyncio.CancelledError:
        task.uncancel()
        return ["cancelled", waited.result()]


async def cancelled_while_a_task_is_awaited():
    order = []

    async def inner():
        try:
            await asyncio.sleep(PATIENCE_S)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            order.append("inner")
            raise

    task, waited = asyncio.current_task(), asyncio.create_task(inner())
    asyncio.get_running_loop().call_later(0.01, lambda: task.cancel())
    try:
        await waited
    except asyncio.CancelledError:
        order.append("outer")
        task.uncancel()
    return [*order, waited.cancelled()]


async def shielded():
    async def inner():
        await asyncio.sleep(0.01)
        return "went on"

    task, waited = asyncio.current_task(), asyncio.ensure_future(inner())
    asyncio.get_running_loop().call_soon(lambda: task.cancel())
    try:
        await asyncio.shield(waited)
    except asyncio.CancelledError:
        task.uncancel()
    return await waited


async def timeout():
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(PATIENCE_S)
    except TimeoutError:
        return asyncio.current_task().cancelling()


async def timeout_of_zero():
    try:
        async with asyncio.timeout(0):
            await asyncio.sleep(PATIENCE_S)
    except TimeoutError:
        return "timed out"


async def wait_for():
    try:
        await asyncio.wait_for(asyncio.sleep(PATIENCE_S), 0.01)
    except TimeoutError:
        return "timed out"


async def task_group():
    await loop_cases.task_groups()
    return True


# --- anyio and sniffio ---


async def anyio_deadline():
    import anyio

    with anyio.move_on_after(0.01) as scope:
        await anyio.sleep(PATIENCE_S)
    return scope.cancelled_caught


async def anyio_deadline_of_zero():
    import anyio

    with anyio.move_on_after(0) as scope:
        await anyio.sleep(PATIENCE_S)
    return scope.cancelled_caught


async def anyio_task_group():
    import anyio

    seen = []
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.sleep, PATIENCE_S)
        seen.append(await anyio.to_thread.run_sync(lambda: "thread"))
        group.cancel_scope.cancel()
    return seen


async def anyio_current_task():
    import anyio

    info = anyio.get_current_task()
    await anyio.lowlevel.checkpoint()
    return [info == anyio.get_current_task(), info.id == id(asyncio.current_task())]


# --- After the end ---


async def keep_task():
    kept["task"] = asyncio.current_task()
    return "kept"


async def kept_task():
    task = kept.pop("task")
    return [task.done(), task.result(), task.exception(), task.cancelled(), await task]


async def keep_task_that_cannot_be_made():
    kept["unmade"] = asyncio.current_task()
    loop = asyncio.get_running_loop()

    def fail():
        del loop.get_debug
        raise ValueError

    if type(kept["unmade"]) is not asyncio.Task:
        loop.get_debug = fail
    return "kept"


async def keep_callback():
    kept["called"] = []
    asyncio.current_task().add_done_callback(lambda task: kept["called"].append(task.done()))
    return "kept"


async def kept_callback():
    await asyncio.sleep(0)
    return kept.pop("called")


async def keep_weakly():
    kept["died"] = []
    weakref.finalize(asyncio.current_task(), kept["died"].append, "died")
    return "kept"


async def kept_weakly():
    await asyncio.sleep(0)
    return kept.pop("died")


async def _cancelled_after_its_answer():
    kept["cancelled"] = task = asyncio.current_task()
    task.cancel()


async def _raising_cancelled_error():
    kept["cancelled"] = asyncio.current_task()
    raise asyncio.CancelledError


async def kept_cancelled():
    task = kept.pop("cancelled")
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return task.cancelled()


ANSWERED_FIRST = {
    "cancelled_after_its_answer": _cancelled_after_its_answer,
    "raising_cancelled_error": _raising_cancelled_error,
}
CASES = {
    name: function
    for name, function in list(globals().items())
    if asyncio.iscoroutinefunction(function)
    and not name.startswith("_")
    and name not in ("app", "answer", "value_of")
}
