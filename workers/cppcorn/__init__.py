"""cppcorn: a native application server for Python, ASGI and WSGI.

The server itself is a program without Python, ``cppcorn``; this package is what its workers are
made of. ``cppcorn.run("main:app", workers=2)`` starts that program from Python, ``python -m
cppcorn`` replaces the interpreter by it.
"""

from __future__ import annotations

# Every worker imports this module, so it imports nothing itself.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from cppcorn.launcher import Setting

__all__ = ["binary", "run"]


def run(app: str, **settings: Setting) -> int:
    """Serves an application, named as on the command line, until the server is told to stop.

    Returns the server's exit code. The settings are the options of the command line with "_" for
    "-": True is a bare flag, False its "--no-" form, a list repeats the option, and None leaves it
    out. Workers run on this interpreter.

    The server is a child process: it gets what is sent to this process of SIGTERM, SIGHUP, SIGUSR1,
    SIGUSR2, SIGTTIN and SIGTTOU (a terminal sends Ctrl-C to both by itself). To replace this
    process instead, use os.execv() with ``cppcorn.binary()``. Raises launcher.BinaryNotFoundError
    where the program is not installed.
    """
    from cppcorn import launcher

    return launcher.run(app, settings)


def binary() -> Path:
    """Where the program ``cppcorn`` of this package lies. Raises launcher.BinaryNotFoundError."""
    from cppcorn import launcher

    return launcher.binary()


def __getattr__(name: str) -> str:
    if name == "__version__":
        from cppcorn import _cppcorn  # a build tree has no metadata to ask

        return _cppcorn.__version__
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
