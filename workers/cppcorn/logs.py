"""Python's logging in a worker: what the server has to say goes the same way as what its native
part says.

The logger ``cppcorn.error`` writes to the error log (--error-logfile) in the form of all its lines.
Other loggers, the root logger above all, are the application's: they are left alone.
"""

from __future__ import annotations

import logging

from cppcorn import _cppcorn

LOGGER = "cppcorn.error"


class NativeHandler(logging.Handler):
    """Hands records to the native log, which adds time, process and level, and whose lines never
    mix.
    """

    def emit(self, record: logging.LogRecord) -> None:
        try:
            _cppcorn.log(_native_level(record.levelno), self.format(record))
        except Exception:
            self.handleError(record)


def _native_level(level: int) -> str:
    if level >= logging.CRITICAL:
        return "critical"
    if level >= logging.ERROR:
        return "error"
    if level >= logging.WARNING:
        return "warning"
    return "info" if level >= logging.INFO else "debug"


def logger() -> logging.Logger:
    """``cppcorn.error``, set up unless the application has given it handlers of its own.

    Levels are the native log's affair (--log-level).
    """
    found = logging.getLogger(LOGGER)
    if not found.handlers:
        found.addHandler(NativeHandler())
        found.setLevel(logging.DEBUG)
        found.propagate = False
    return found


def log_exception(message: str, exception: BaseException | None) -> None:
    """What the engines call for an error in the application: one record, with the traceback."""
    logger().error(message, exc_info=exception)
