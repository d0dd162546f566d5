"""asyncio loops over the worker's libuv loop.

``--loop asyncio`` (and ``auto``): a stock ``asyncio.SelectorEventLoop`` whose selector runs the
libuv loop, so that HTTP is handled inside ``select()`` and every feature of asyncio is the standard
library's own.

``--loop uvloop``: uvloop drives, and watches the descriptor of the libuv loop.
"""

from __future__ import annotations

import asyncio
import selectors
import signal
import threading
from collections.abc import Callable
from typing import Any

from cppcorn._cppcorn import LoopDriver

__all__ = ["ForeignDrive", "UvEventLoop", "UvSelector", "check_loop", "loop_factory"]


class UvSelector(selectors.DefaultSelector):
    """The standard selector for the asyncio loop's own descriptors; waiting is done by the libuv
    loop.

    Registering, modifying and unregistering are the standard library's own, down to the errors.
    Made on the thread that will run the loop.
    """

    def __init__(self, driver: LoopDriver) -> None:
        super().__init__()
        self._driver = driver
        # A native function in place of the method: it is called once a turn.
        self.select = driver.make_select(super().select, self.fileno())  # type: ignore[method-assign]

    def close(self) -> None:
        self._driver.forget_selector()
        super().close()


class UvEventLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop over a UvSelector.

    What it adds is for handlers of the ``signal`` module: libuv sleeps on when a signal comes, so a
    wakeup descriptor has to end the sleep. asyncio sets one while it has handlers of its own (and
    wakes up by that), and takes it away with the last of them; then ours is due again.
    """

    def __init__(self, driver: LoopDriver) -> None:
        super().__init__(UvSelector(driver))
        self._driver = driver
        self._handled: set[int] = set()
        self._wake_on_signals()

    def add_signal_handler(self, sig: int, callback: Callable[..., Any], *args: Any) -> None:  # type: ignore[override]
        try:
            super().add_signal_handler(sig, callback, *args)
            self._handled.add(sig)
        finally:
            self._wake_on_signals()

    def remove_signal_handler(self, sig: int) -> bool:
        try:
            return super().remove_signal_handler(sig)
        finally:
            self._handled.discard(sig)
            self._wake_on_signals()

    def close(self) -> None:
        was_open = not self.is_closed()
        super().close()
        if was_open and threading.current_thread() is threading.main_thread():
            signal.set_wakeup_fd(-1)

    def _wake_on_signals(self) -> None:
        if not self._handled and threading.current_thread() is threading.main_thread():
            signal.set_wakeup_fd(self._driver.wakeup_fd, warn_on_full_buffer=False)


class ForeignDrive:
    """Runs the libuv loop from a foreign asyncio loop, such as uvloop."""

    def __init__(self, driver: LoopDriver, loop: asyncio.AbstractEventLoop) -> None:
        self._driver = driver
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        driver.set_foreign(self._request_turn)
        loop.add_reader(driver.backend_fd, self._turn)
        self._request_turn()

    def close(self) -> None:
        self._driver.set_foreign(None)
        if self._timer is not None:
            self._timer.cancel()
        if not self._loop.is_closed():
            self._loop.remove_reader(self._driver.backend_fd)

    def _request_turn(self) -> None:
        self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._driver.turn()
        timeout_ms = self._driver.backend_timeout_ms
        if timeout_ms >= 0:
            self._timer = self._loop.call_later(timeout_ms / 1000, self._turn)


def check_loop(kind: str) -> None:
    """Raises ImportError, with what to do, when uvloop is asked for and not installed."""
    if kind != "uvloop":
        return
    try:
        import uvloop  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "uvloop":
            raise
        raise ImportError(
            "--loop uvloop: uvloop is not installed; install it, or use --loop auto"
        ) from None


def loop_factory(
    kind: str, driver: LoopDriver
) -> tuple[Callable[[], asyncio.AbstractEventLoop], bool]:
    """What makes the loop of ``--loop KIND``, and whether a ForeignDrive must run the libuv loop
    under it.

    Raises ImportError when uvloop is asked for and not installed.
    """
    check_loop(kind)
    if kind == "uvloop":
        import uvloop

        return uvloop.new_event_loop, True
    return lambda: UvEventLoop(driver), False
