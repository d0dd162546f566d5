"""The ASGI worker's Python half: the asyncio loop, the application's lifespan, and the way from
start to end.

Requests never pass through here: the native engine makes a task for each.
"""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.tasks import _unregister_task
from collections.abc import Callable
from typing import Any

from cppcorn._cppcorn import AsgiWorker, LoopDriver, log
from cppcorn.lifespan import Lifespan, StartupError
from cppcorn.loop import ForeignDrive, check_loop, loop_factory

__all__ = ["StartupError", "Worker", "check_loop"]

# For requests that were cancelled at the end of the graceful timeout to end in.
CANCEL_SECONDS = 1.0
# For the lifespan's shutdown when requests have used all of the graceful timeout.
SHUTDOWN_SECONDS_MIN = 1.0


class Worker:
    """Serves an application until it is ordered to end.

    ``settings_json`` is what the master sent, ``settings`` the same as a dict, ``listeners``
    descriptors of listening sockets, which the worker owns from now on.
    """

    def __init__(
        self, app: Any, settings_json: str, settings: dict[str, Any], listeners: list[int]
    ) -> None:
        self._app = app
        self._settings = settings
        self._driver = LoopDriver()
        self._native = AsgiWorker(self._driver, settings_json, listeners)
        self._end = asyncio.Event()  # an order to end has come
        self._deadline = 0.0  # time.monotonic() by which requests must have ended
        self._stopped = False

    @property
    def native(self) -> AsgiWorker:
        return self._native

    def run(self, on_ready: Callable[[], None], on_draining: Callable[[], None]) -> None:
        """Serves. Raises StartupError when the application cannot start, ImportError without the
        wanted loop.

        on_ready is called once requests can be answered, on_draining once none are accepted any
        more.
        """
        make_loop, foreign = loop_factory(self._settings["loop"], self._driver)
        with asyncio.Runner(loop_factory=make_loop) as runner:
            loop = runner.get_loop()
            asyncio.set_event_loop(loop)
            drive = ForeignDrive(self._driver, loop) if foreign else None
            try:
                main = loop.create_task(self._serve(on_ready, on_draining))
                # Applications cancel "all other tasks", or wait for them: ours is none of theirs.
                _unregister_task(main)
                _run_until_done(loop, main)
            finally:
                self._native.close()
                if drive is not None:
                    drive.close()

    def order(self, kind: str, timeout: float) -> None:
        """An order to end: "drain" within timeout seconds, or "stop" now. On the loop's thread."""
        deadline = time.monotonic() + timeout
        self._deadline = min(self._deadline, deadline) if self._end.is_set() else deadline
        self._end.set()
        if kind == "stop" and not self._stopped:
            self._stopped = True
            self._native.cancel_tasks()
            self._native.stop()

    async def _serve(self, on_ready: Callable[[], None], on_draining: Callable[[], None]) -> None:
        lifespan = Lifespan(self._app, self._settings["lifespan"], log)
        if not await self._start(lifespan):
            return
        loop = asyncio.get_running_loop()
        own_context = self._settings["reset_contextvars"]
        self._native.start(
            app=self._app,
            loop=loop,
            context=None if own_context else lifespan.context,
            create_task=_special_create_task(loop),
            lazy_tasks=_lazy_tasks(loop, self._settings["asgi_lazy_tasks"]),
            state=lifespan.state,
            log_exception=_log_exception,
        )
        on_ready()
        await self._end.wait()
        await self._finish_requests(on_draining)
        left = self._deadline - time.monotonic()
        await lifespan.shutdown(max(left, SHUTDOWN_SECONDS_MIN))

    async def _start(self, lifespan: Lifespan) -> bool:
        """The lifespan's start-up; False when an order to end came first, which cancels it."""
        starting = asyncio.ensure_future(lifespan.startup())
        ending = asyncio.ensure_future(self._end.wait())
        _unregister_task(starting)
        _unregister_task(ending)
        await asyncio.wait([starting, ending], return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if starting.done():
            starting.result()
            return True
        log("info", "told to end before the application's start-up was complete: cancelled")
        starting.cancel()
        await asyncio.wait([starting])
        if not starting.cancelled():
            starting.exception()  # a failure no longer matters
        return False

    async def _finish_requests(self, on_draining: Callable[[], None]) -> None:
        drained = asyncio.Event()
        self._native.drain(drained.set)
        on_draining()
        if not await _within(drained, self._deadline):
            self._native.cancel_tasks()
        idle = asyncio.Event()
        self._native.when_idle(idle.set)
        if not await _within(idle, self._deadline):
            self._native.cancel_tasks()
            if not await _within(idle, time.monotonic() + CANCEL_SECONDS):
                log("warning", f"{self._native.tasks} requests would not be cancelled")
        self._native.stop()


def _run_until_done(loop: asyncio.AbstractEventLoop, main: asyncio.Task[None]) -> None:
    """Runs the loop until main is done, although an application may stop the loop, or leave it by
    an exception that asyncio lets through: sys.exit() in a task hurts what waits for that task, and
    nobody else's request.
    """
    while True:
        try:
            loop.run_until_complete(main)
            return
        except RuntimeError:
            if main.done() or loop.is_closed():
                raise
            log("warning", "the application stopped the event loop; it goes on")
        except (SystemExit, KeyboardInterrupt) as error:
            if main.done() or loop.is_closed():
                raise
            kind = type(error).__name__
            _log_exception(f"{kind} in a task of the ASGI application; the server goes on", error)


def _special_create_task(loop: asyncio.AbstractEventLoop) -> Callable[..., Any] | None:
    """loop.create_task where it does more than make an asyncio.Task: with a task factory."""
    return loop.create_task if loop.get_task_factory() is not None else None


def _lazy_tasks(loop: asyncio.AbstractEventLoop, wanted: bool) -> bool:
    """Whether requests begin without a whole task, as workers/asgi/lazy_task.h describes.

    Not with a task factory, which is to see each task, nor in asyncio's debug mode; both as they
    are when the application's start-up is complete.
    """
    if not wanted or loop.get_task_factory() is not None or loop.get_debug():
        return False
    return asyncio.Task is getattr(sys.modules.get("_asyncio"), "Task", None)


def _log_exception(message: str, exception: BaseException | None) -> None:
    """What the engine calls for an error in the application. Python's logging is not loaded before
    it is needed.
    """
    from cppcorn import logs

    logs.log_exception(message, exception)


async def _within(event: asyncio.Event, deadline: float) -> bool:
    """Waits for the event until time.monotonic() is deadline; whether it came."""
    try:
        async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
            await event.wait()
    except TimeoutError:
        return event.is_set()
    return True
