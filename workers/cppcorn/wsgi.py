"""The WSGI worker's Python half: the pool threads, and the way from start to end.

Requests never pass through here: the native engine calls the application on the threads made here,
so that to the application and to debuggers they are threads like any others.
"""

from __future__ import annotations

import sys
import threading

from cppcorn import _cppcorn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TextIO

__all__ = ["Worker"]


class Worker:
    """Serves an application until it is ordered to end.

    ``settings_json`` is what the master sent, ``settings`` the same as a dict, ``listeners``
    descriptors of listening sockets, which the worker owns from now on.
    """

    def __init__(
        self, app: Any, settings_json: str, settings: dict[str, Any], listeners: list[int]
    ) -> None:
        self._threads = int(settings["threads"])
        self._listeners = listeners
        self._native = _cppcorn.WsgiServer(
            settings_json, app, _log_exception, _error_stream(settings["errorlog"])
        )

    @property
    def native(self) -> _cppcorn.WsgiServer:
        return self._native

    def run(self, on_ready: Callable[[], None]) -> None:
        """Serves; on_ready is called once requests can be answered. Raises RuntimeError when the
        server can't start.
        """
        self._native.start(self._listeners)
        threads: list[threading.Thread] = []
        try:
            for number in range(1, self._threads + 1):
                thread = threading.Thread(target=self._native.run_thread, name=f"cppcorn-{number}")
                thread.start()
                threads.append(thread)
            on_ready()
            self._native.wait()
        finally:
            # Whatever was raised (by a signal handler of the application, or because there may be
            # no more threads): what is in flight is finished, if there is a thread for it, and all
            # threads end.
            if threads:
                self._native.drain()
            else:
                self._native.stop()
            for thread in threads:
                thread.join()
            self._native.wait()


def _log_exception(message: str, exception: BaseException | None) -> None:
    """What the engine calls for an error in the application. Python's logging is not loaded before
    it is needed.
    """
    from cppcorn import logs

    logs.log_exception(message, exception)


def _error_stream(destination: str) -> TextIO:
    """What wsgi.errors is: standard error, or the end of the error log's file."""
    if destination == "-":
        return sys.stderr
    return open(destination, "a", buffering=1, encoding="utf-8", errors="backslashreplace")
