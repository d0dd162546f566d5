"""Starts the real binary for a test, watches it, and ends it.

A server owns its process session: whatever happens in a test, `finish()` ends the master by its pid
and whatever is left of its session, and fails when the exit code is wrong or the log holds a
sanitizer's report or a crash.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent
ROOT = TESTS.parent
APPS = TESTS / "apps"

START_TIMEOUT_S = 40.0  # a sanitized build on a busy machine imports Django in ten
STOP_TIMEOUT_S = 20.0
WAIT_TIMEOUT_S = 20.0
POLL_S = 0.01

LISTENING = re.compile(r"Listening at: (.+) \(\d+\)$", re.MULTILINE)
READY = re.compile(r"Worker ready \(pid: (\d+)\)")
CRASHES = re.compile(
    r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|UndefinedBehaviorSanitizer|"
    r"runtime error:|check failed|"
    r"Segmentation fault|Fatal Python error|terminate called|double free|stack smashing|"
    r"ASGI violation"  # tests/apps/spec_check.py
)


def wait_until(condition: Callable[[], Any], what: str, timeout_s: float = WAIT_TIMEOUT_S) -> Any:
    """Returns the condition's first true value; fails with `what` when there is none in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s:g} s in vain for {what}")
        time.sleep(POLL_S)


def session_members(session: int) -> list[int]:
    """The living processes of a process session, which is named by the pid that began it."""
    members = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue  # it has ended meanwhile
        state, _, _, its_session = stat.rpartition(")")[2].split()[:4]
        if int(its_session) == session and state != "Z":
            members.append(int(entry.name))
    return members


def find_binary() -> Path:
    """CPPCORN_BINARY, else the newest of the build tree's and the checkout's environment's."""
    named = os.environ.get("CPPCORN_BINARY")
    if named:
        return Path(named).resolve()
    candidates = [ROOT / "build" / "src" / "cppcorn", ROOT / ".venv" / "bin" / "cppcorn"]
    there = [path for path in candidates if path.exists()]
    if not there:
        raise RuntimeError(
            "there is no cppcorn to test: build it (./dev setup) or set CPPCORN_BINARY"
        )
    return max(there, key=lambda path: path.stat().st_mtime)


@functools.cache
def package_folder(binary: Path) -> Path | None:
    """For a binary in a build tree: the folder that holds the Python package built with it."""
    folder = binary.parent.parent / "workers"
    return folder if (folder / "cppcorn").is_dir() else None


@functools.cache
def sanitizer_runtimes(binary: Path) -> list[str]:
    """The runtimes that a plain Python has to be started with before it can load a sanitized
    extension.
    """
    content = binary.read_bytes()
    wanted = [name for name in ("asan", "ubsan", "tsan") if f"lib{name}.so".encode() in content]
    if not wanted:
        return []
    names = [f"lib{name}.so" for name in wanted] + ["libstdc++.so"]
    paths = [
        subprocess.check_output(["gcc", f"-print-file-name={name}"], text=True).strip()
        for name in names
    ]
    return [os.path.realpath(path) for path in paths if Path(path).is_absolute()]


def is_sanitized() -> bool:
    return bool(sanitizer_runtimes(find_binary()))


def server_environment(binary: Path, extra: dict[str, str] | None = None) -> dict[str, str]:
    """The test's own environment without what would configure the server from outside the test."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CPPCORN_", "GUNICORN_", "UVICORN_", "PYTEST_"))
        and name
        not in (
            "WEB_CONCURRENCY",
            "PORT",
            "LISTEN_FDS",
            "LISTEN_PID",
            "NOTIFY_SOCKET",
            "SCRIPT_NAME",
        )
    }
    package = package_folder(binary)
    if package:
        kept["PYTHONPATH"] = str(package)
    kept.setdefault("VIRTUAL_ENV", sys.prefix)
    kept["PYTHONDONTWRITEBYTECODE"] = "1"
    runtimes = sanitizer_runtimes(binary)
    if runtimes:
        kept["LD_PRELOAD"] = " ".join(runtimes)
        # CPython never frees what it interns: leaks are looked for in the unit tests.
        kept.setdefault("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=1")
        kept.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
    kept.update(extra or {})
    return kept


class Server:
    """One run of the binary. Made by the `serve` and `shared` fixtures, which also call
    finish().
    """

    def __init__(
        self,
        app: str | None,
        args: tuple[str, ...],
        folder: Path,
        *,
        kind: str | None = None,
        env: dict[str, str] | None = None,
        cwd: Path = APPS,
        bind: str | None = "127.0.0.1:0",
        preexec_fn: Callable[[], None] | None = None,
        pass_fds: tuple[int, ...] = (),
        stdin: Any = subprocess.DEVNULL,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.kind = kind
        self.binary = find_binary()
        self.error_path = folder / "stderr.log"
        self.output_path = folder / "stdout.log"
        self.probe_path = folder / "probe.jsonl"
        self.expected_code: int | None = 0
        self.allowed_crashes: re.Pattern[str] | None = None
        self._checked = 0
        self._finished = False
        command = [str(self.binary)]
        if kind:
            command += ["-k", kind]
            if kind == "gthread" and "--threads" not in args:
                command += ["--threads", "4"]
        if bind:
            command += ["-b", bind]
        command += list(args)
        if app:
            command.append(app)
        self.command = command
        own = {"PROBE_LOG": str(self.probe_path), **(env or {})}
        with self.output_path.open("wb") as output, self.error_path.open("wb") as error:
            self.process = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=output,
                stderr=error,
                cwd=cwd,
                env=server_environment(self.binary, own),
                start_new_session=True,
                preexec_fn=preexec_fn,
                pass_fds=pass_fds,
            )

    # --- What it says ---

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        return self.error_path.read_text(errors="backslashreplace")

    @property
    def output(self) -> str:
        return self.output_path.read_text(errors="backslashreplace")

    def wait_log(
        self, pattern: str, timeout_s: float = WAIT_TIMEOUT_S, after: int = 0
    ) -> re.Match[str]:
        """Waits until the error log matches, behind its first `after` characters."""
        compiled = re.compile(pattern, re.MULTILINE)
        return wait_until(
            lambda: compiled.search(self.log[after:]), f"{pattern!r} in the error log", timeout_s
        )

    def wait_output(self, pattern: str, timeout_s: float = WAIT_TIMEOUT_S) -> re.Match[str]:
        """The same for standard output, where `--access-logfile -` writes."""
        compiled = re.compile(pattern, re.MULTILINE)
        return wait_until(
            lambda: compiled.search(self.output), f"{pattern!r} on standard output", timeout_s
        )

    def wait_ready(self, workers: int = 1, timeout_s: float = START_TIMEOUT_S) -> Server:
        def ready() -> bool:
            if self.process.poll() is not None:
                raise AssertionError(
                    f"the server ended with {self.process.returncode} at start\n{self.log}"
                )
            log = self.log
            return bool(LISTENING.search(log)) and len(READY.findall(log)) >= workers

        wait_until(ready, f"{workers} ready workers; log so far:\n{self.log}", timeout_s)
        return self

    @property
    def worker_pids(self) -> list[int]:
        return [int(pid) for pid in READY.findall(self.log)]

    # --- Where it listens ---

    @property
    def urls(self) -> list[str]:
        return [url for group in LISTENING.findall(self.log) for url in group.split(",")]

    @property
    def url(self) -> str:
        return self.urls[0]

    @property
    def address(self) -> tuple[str, int]:
        match = re.fullmatch(r"https?://\[?([^\]/]+?)\]?:(\d+)/?", self.url)
        assert match, f"not an address that can be connected to: {self.url}"
        return match[1], int(match[2])

    @property
    def port(self) -> int:
        return self.address[1]

    def connect(self, timeout_s: float = WAIT_TIMEOUT_S) -> socket.socket:
        if self.url.startswith("unix:"):
            connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connected.settimeout(timeout_s)
            connected.connect(self.url.removeprefix("unix:"))
            return connected
        connected = socket.create_connection(self.address, timeout=timeout_s)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    # --- What the probe apps saw ---

    def events(self) -> list[dict[str, Any]]:
        """What tests/apps/probe.py recorded in all workers of this server, oldest first."""
        if not self.probe_path.exists():
            return []
        lines = self.probe_path.read_text().split("\n")[:-1]
        return [json.loads(line) for line in lines]

    def wait_event(self, **wanted: Any) -> dict[str, Any]:
        def found() -> dict[str, Any] | None:
            return next(
                (e for e in self.events() if all(e.get(k) == v for k, v in wanted.items())), None
            )

        return wait_until(found, f"the app to record {wanted}")

    def calls(self) -> list[str]:
        """'METHOD path' of each request that reached the app, oldest first."""
        return [f"{e['method']} {e['path']}" for e in self.events() if e["event"] == "call"]

    # --- How it ends ---

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait_exit(self, timeout_s: float = STOP_TIMEOUT_S) -> int:
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the server did not end within {timeout_s:g} s") from None

    def stop(self) -> int:
        """Asks it to stop (TERM) and waits; returns the exit code."""
        if self.running:
            self.signal(signal.SIGTERM)
        return self.wait_exit()

    def check_healthy(self) -> None:
        """Fails when anything crashed since the last check: an extension's crash is only a line in
        the log.
        """
        log = self.log
        new, self._checked = log[self._checked :], len(log)
        crash = CRASHES.search(new)
        if crash and not (self.allowed_crashes and self.allowed_crashes.search(new)):
            raise AssertionError(f"the log says {crash[0]!r}\n{log}")

    def finish(self) -> None:
        """Ends it if it still runs, and checks how it ended. Idempotent."""
        if self._finished:
            return
        self._finished = True
        try:
            code = self.stop()
            print(f"--- {' '.join(self.command)}: exit code {code}\n{self.log}")
            self.check_healthy()
            if self.expected_code is not None:
                assert code == self.expected_code, (
                    f"exit code {code}, not {self.expected_code}\n{self.log}"
                )
            wait_until(lambda: not self.session_members(), "the workers to be gone", 5.0)
        finally:
            self._kill_session()

    def session_members(self) -> list[int]:
        return session_members(self.pid)

    def _kill_session(self) -> None:
        for pid in self.session_members():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.running:
            self.process.kill()
        self.process.wait()
