"""A worker process, ``python -m cppcorn.worker``: gets its settings from the master, loads the
application, serves it.

Only the master starts it. What it has to say goes through the control channel: that it is ready, or
why it is not. What is imported here stays in the memory of every worker, so it is little, and the
rest comes where it is needed.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import signal
import sys

from cppcorn import _cppcorn, importer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType
    from typing import Any

# Exit codes, gunicorn's: what a supervisor sees of a worker that never served.
EXIT_BOOT = 3
EXIT_APP = 4


class WorkerError(Exception):
    """The worker cannot serve. One line, a traceback where it helps, and at which stage it was."""

    def __init__(self, stage: str, message: str, traceback: str = "") -> None:
        super().__init__(message)
        self.stage = stage
        self.traceback = traceback

    @property
    def exit_code(self) -> int:
        return EXIT_APP if self.stage == "app" else EXIT_BOOT


def main() -> int:
    """The whole life of a worker; returns its exit code."""
    _cppcorn.keep_freed_memory()
    channel = os.environ.pop(_cppcorn.CONTROL_FD_VARIABLE, None)
    if channel is None:
        print("cppcorn.worker: only the program cppcorn starts workers", file=sys.stderr)
        return EXIT_BOOT
    try:
        control = _cppcorn.WorkerControl.connect(int(channel))
    except RuntimeError as error:
        print(f"cppcorn.worker: {error}", file=sys.stderr)
        return EXIT_BOOT
    # asyncio would put a handler of its own in the place of Python's default one.
    signal.signal(signal.SIGINT, _leave_to_master)
    if not _cppcorn.bind_to_master(control):
        return 0
    try:
        _serve(control)
    except WorkerError as error:
        control.send_failed(error.stage, str(error), error.traceback)
        return error.exit_code
    control.send_bye()
    return 0


def _leave_to_master(_number: int, _frame: FrameType | None) -> None:
    """Ctrl-C reaches the whole process group; what it means is the master's to say."""


def _serve(control: _cppcorn.WorkerControl) -> None:
    settings = json.loads(control.settings_json)
    try:
        # A check says on the terminal what it has to say, and makes no files.
        destination = "-" if control.check else settings["errorlog"]
        _cppcorn.set_up_log(destination, settings["loglevel"])
        _trace_fatal_errors(destination)
        if settings["chdir"]:
            os.chdir(settings["chdir"])
    except (OSError, RuntimeError) as error:
        raise WorkerError("boot", str(error)) from error
    extend_search_path(settings["app_dir"], settings["pythonpath"])
    app, shape = _load(settings)
    if shape.interface == "asgi":
        _serve_asgi(control, settings, app, shape)
    else:
        _serve_wsgi(control, settings, app, shape)


def _trace_fatal_errors(destination: str) -> None:
    """Where each thread is goes to the error log when the worker crashes, or when the master aborts
    it because its start has taken too long.
    """
    if faulthandler.is_enabled():  # PYTHONFAULTHANDLER, python -X faulthandler
        return
    if destination == "-":
        faulthandler.enable(sys.stderr)
    else:  # open as long as the worker lives
        faulthandler.enable(open(destination, "ab", buffering=0))  # noqa: SIM115


def extend_search_path(app_dir: str, pythonpath: Iterable[str]) -> None:
    """Puts the application's directory (empty: the current one) in front of sys.path, and before it
    --pythonpath.

    The entry that ``python -m`` made, the directory at the time of the start, goes: --chdir may
    have left it.
    """
    if not sys.flags.safe_path and sys.path:
        sys.path.pop(0)
    wanted = [os.path.abspath(entry) for entry in (*pythonpath, app_dir or os.curdir)]
    sys.path[:] = [*dict.fromkeys(wanted), *(entry for entry in sys.path if entry not in wanted)]


def _load(settings: dict[str, Any]) -> tuple[Any, importer.Shape]:
    """The application and what it is. Raises WorkerError of stage "app"."""
    name = settings["wsgi_app"]
    worker_class = settings["worker_class"]
    try:
        app = importer.load(name, factory=settings["factory"])
        return app, importer.choose(app, name, None if worker_class == "auto" else worker_class)
    except importer.AppLoadError as error:
        raise WorkerError("app", str(error)) from error
    except BaseException as error:  # SystemExit too: an application that gives up
        message = f'"{name}" cannot be loaded: {_one_line(error)}'
        raise WorkerError("app", message, _own_traceback(error)) from error


def _one_line(error: BaseException) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__


def _own_traceback(error: BaseException) -> str:
    """The traceback from the application's first line on: how it came to be imported is not
    interesting.
    """
    import traceback

    frames = error.__traceback__
    while frames is not None and _is_import_machinery(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    # A syntax error has no frame in the application.
    return "".join(traceback.format_exception(type(error), error, frames))


def _is_import_machinery(filename: str) -> bool:
    own = (__file__, importer.__file__, importlib.__file__)
    return filename.startswith("<frozen importlib") or filename in own


def _serve_asgi(
    control: _cppcorn.WorkerControl, settings: dict[str, Any], app: Any, shape: importer.Shape
) -> None:
    from cppcorn import asgi

    def ready() -> None:
        control.send_ready("asgi", shape.reason, settings["wsgi_app"])

    try:
        if control.check:
            asgi.check_loop(settings["loop"])
            return ready()
        worker = asgi.Worker(app, control.settings_json, settings, control.take_listeners())
        worker.native.follow(control, worker.order)
        worker.run(ready, control.send_draining)
    except asgi.StartupError as error:
        raise WorkerError("boot", str(error), error.traceback) from error
    except (ImportError, RuntimeError, OSError) as error:
        raise WorkerError("boot", _one_line(error), _own_traceback(error)) from error


def _serve_wsgi(
    control: _cppcorn.WorkerControl, settings: dict[str, Any], app: Any, shape: importer.Shape
) -> None:
    from cppcorn import wsgi

    kind = "sync" if settings["worker_class"] == "sync" else "gthread"

    def ready() -> None:
        control.send_ready(kind, shape.reason, settings["wsgi_app"])

    if control.check:
        return ready()
    try:
        worker = wsgi.Worker(app, control.settings_json, settings, control.take_listeners())
        worker.native.follow(control)
        worker.run(ready)
    except (RuntimeError, OSError) as error:
        raise WorkerError("boot", _one_line(error)) from error


if __name__ == "__main__":
    sys.exit(main())
