"""Starting the program cppcorn from Python."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

# The settings that may be given to run(): anything with a spelling on the command line.
Setting = str | int | float | bool | Path | Iterable[str] | None


class BinaryNotFoundError(RuntimeError):
    """The program ``cppcorn`` is not where this package was installed."""


def binary() -> Path:
    """Where the program ``cppcorn`` lies that belongs to this package.

    A build tree has it beside the package, an installation among the scripts: of the virtual
    environment that this interpreter is of, of its installation scheme, or of the user. Raises
    BinaryNotFoundError.
    """
    candidates = [
        Path(__file__).parents[2] / "src" / "cppcorn",
        Path(sys.executable).parent / "cppcorn",
        Path(sysconfig.get_path("scripts")) / "cppcorn",
        Path(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user"))) / "cppcorn",
    ]
    for candidate in candidates:
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate
    tried = ", ".join(str(candidate) for candidate in candidates)
    raise BinaryNotFoundError(f"the program cppcorn was not found; tried {tried}")


def _options(settings: dict[str, Setting]) -> list[str]:
    """Settings as options of the command line, by their names: {"access_logfile": "-"} as
    ["--access-logfile", "-"].

    True is a bare flag, False its "--no-" form, None leaves the setting out, and a list repeats the
    option.
    """
    options = []
    for name, value in settings.items():
        flag = name.replace("_", "-")
        if value is None:
            continue
        if value is True:
            options.append(f"--{flag}")
        elif value is False:
            options.append(f"--no-{flag}")
        elif isinstance(value, str | int | float | Path):
            options.append(f"--{flag}={value}")
        else:
            options.extend(f"--{flag}={item}" for item in value)
    return options


def command(app: str, settings: dict[str, Setting]) -> list[str]:
    """The command line that run() starts."""
    if not isinstance(app, str):
        raise TypeError(
            'cppcorn.run() takes the name of the application, such as "main:app", not '
            f"{type(app).__name__}: each worker imports it for itself"
        )
    settings = {"python": sys.executable, **settings}
    return [str(binary()), *_options(settings), app]


def _in_foreground() -> bool:
    """Whether what is typed at the terminal reaches this process group."""
    try:
        with open("/dev/tty", "rb", buffering=0) as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


def run(app: str, settings: dict[str, Setting]) -> int:
    """What cppcorn.run() does."""
    forwarded = (
        signal.SIGTERM,
        signal.SIGHUP,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGTTIN,
        signal.SIGTTOU,
    )
    with subprocess.Popen(command(app, settings)) as server:

        def forward(number: int, _frame: FrameType | None) -> None:
            server.send_signal(number)

        def forward_unless_typed(number: int, _frame: FrameType | None) -> None:
            # Typed at a terminal, the server has it already, and would take ours for a second one.
            if not _in_foreground():
                server.send_signal(number)

        previous = {}
        if threading.current_thread() is threading.main_thread():
            previous = {number: signal.signal(number, forward) for number in forwarded}
            for number in (signal.SIGINT, signal.SIGQUIT):
                previous[number] = signal.signal(number, forward_unless_typed)
        try:
            code = server.wait()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
    return code if code >= 0 else 128 - code
