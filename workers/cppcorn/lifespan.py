"""The lifespan protocol of ASGI (2.0): start-up and shutdown of the application, and the state that
requests get.
"""

from __future__ import annotations

import asyncio
import contextvars
import traceback
from collections.abc import Callable
from typing import Any

__all__ = ["Lifespan", "StartupError"]

Log = Callable[[str, str], None]  # (level, text)

# For an application that has said that its start-up failed, to end its lifespan in.
FAILED_SECONDS = 1.0


class StartupError(Exception):
    """The application said, or showed, that it cannot start: why in one line, and a traceback where
    there is one.
    """

    def __init__(self, message: str, traceback: str = "") -> None:
        super().__init__(message)
        self.traceback = traceback


class Lifespan:
    """Runs the application's lifespan scope in a task of its own.

    mode is "auto" (an application that raises on the scope does not know lifespan, and is served
    without), "on" (it must succeed) or "off". ``context`` is the context of its task, which
    requests copy; ``state`` its namespace.
    """

    def __init__(self, app: Any, mode: str, log: Log) -> None:
        self._app = app
        self._mode = mode
        self._log = log
        self._started = asyncio.Event()  # start-up is over, in one way or the other
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()
        self._phase = "startup"  # then "running", then "shutdown", then "over"
        self._startup_told = False
        self._shutdown_told = False
        self._failure: StartupError | None = None
        self._task: asyncio.Task[None] | None = None
        self.context = contextvars.copy_context()
        self.state: dict[str, Any] = {}

    async def startup(self) -> None:
        """Returns once the application may be given requests. Raises StartupError when it cannot
        start.
        """
        if self._mode == "off":
            return
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._run(), name="lifespan", context=self.context)
        try:
            await self._started.wait()
        except asyncio.CancelledError:
            await _cancelled(self._task)
            raise
        if self._failure is not None:
            await asyncio.wait([self._task], timeout=FAILED_SECONDS)
            await _cancelled(self._task)
            raise self._failure

    async def shutdown(self, timeout: float) -> None:
        """Tells the application to shut down, and waits for it, ``timeout`` seconds at most.
        Failures are logged.
        """
        if self._task is None or self._phase != "running":
            return
        self._phase = "shutdown"
        self._stopping.set()
        try:
            async with asyncio.timeout(timeout):
                await self._stopped.wait()
                # What it does behind shutdown.complete is its own affair, but finishing it is
                # polite.
                await asyncio.wait([self._task])
        except TimeoutError:
            self._log(
                "warning", f"the application's shutdown took longer than {timeout:g} s: cancelled"
            )
            self._task.cancel()

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self._app(scope, self._receive, self._send)
        except asyncio.CancelledError:
            self._ended(None)
            raise
        except BaseException as error:
            self._ended(error)
            return
        self._ended(None)

    def _ended(self, error: BaseException | None) -> None:
        phase, self._phase = self._phase, "over"
        if phase == "startup" and self._failure is None:
            self._unsupported(error)
        elif error is not None and self._failure is None:
            text = "".join(traceback.format_exception(error)).rstrip()
            when = "in its shutdown" if phase == "shutdown" else "after its start-up"
            self._log("error", f"Exception in the application's lifespan, {when}\n{text}")
        self._started.set()
        self._stopped.set()

    def _unsupported(self, error: BaseException | None) -> None:
        """The application's lifespan ended before it said that start-up is complete."""
        if error is None:
            failure = StartupError("the application's lifespan ended without completing start-up")
        else:
            text = "".join(traceback.format_exception(error)).rstrip()
            failure = StartupError(f"the application's start-up failed: {_one_line(error)}", text)
        if self._mode == "on" or isinstance(error, SystemExit | KeyboardInterrupt):
            self._failure = failure
        elif error is not None and self._startup_told:
            # It knows the protocol, so this is more than not supporting it; yet the specification
            # has servers go on.
            self._log(
                "warning",
                f"Exception in the application's lifespan, in its start-up; it is served without "
                f"lifespan (--lifespan on would end the start)\n{failure.traceback}",
            )
        else:
            self._log("debug", f"the application does not support lifespan\n{failure.traceback}")

    async def _receive(self) -> dict[str, Any]:
        if not self._startup_told:
            self._startup_told = True
            return {"type": "lifespan.startup"}
        if self._phase != "over" and not self._shutdown_told:
            await self._stopping.wait()
            self._shutdown_told = True
            return {"type": "lifespan.shutdown"}
        # Nothing will ever come any more, and an application that loops over receive() waits for
        # it: this ends it.
        assert self._task is not None
        self._task.cancel()
        never: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        return await never

    async def _send(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        allowed = {"startup": "lifespan.startup.", "shutdown": "lifespan.shutdown."}.get(
            self._phase
        )
        if allowed is None or kind not in (f"{allowed}complete", f"{allowed}failed"):
            raise RuntimeError(
                f"unexpected ASGI message {kind!r} in the {self._phase} phase of lifespan"
            )
        if kind == "lifespan.startup.complete":
            self._phase = "running"
            self._started.set()
        elif kind == "lifespan.startup.failed":
            self._failure = _told_failure(message.get("message") or "")
            self._phase = "over"
            self._started.set()
        else:
            if kind == "lifespan.shutdown.failed":
                text = message.get("message") or "no message"
                self._log("error", f"the application said that its shutdown failed: {text}")
            self._phase = "over"
            self._stopped.set()


async def _cancelled(task: asyncio.Task[None]) -> None:
    """Cancels a task, if it still runs, and gives it a moment to end."""
    task.cancel()
    await asyncio.wait([task], timeout=FAILED_SECONDS)


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _told_failure(text: str) -> StartupError:
    """lifespan.startup.failed, whose message is a sentence or (Starlette) a whole traceback."""
    lines = text.strip().splitlines()
    if not lines:
        return StartupError("the application said that its start-up failed")
    # The last line of a traceback is the exception.
    short = f"the application's start-up failed: {lines[-1].strip()}"
    return StartupError(short, text.rstrip() if len(lines) > 1 else "")
