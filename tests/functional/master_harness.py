"""Runs the master with fake workers (fake_worker/): small, and of no use for the real server."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cppcorn_server import (
    CRASHES,
    find_binary,
    server_environment,
    session_members,
    wait_until,
)

FAKE = Path(__file__).resolve().parent / "fake_worker"


class Master:
    """One run of the binary. `steps` is what each worker does (fake_worker/cppcorn/worker.py)."""

    def __init__(
        self,
        folder: Path,
        steps: str = "hello.ready.serve",
        *arguments: str,
        bind: str | None = "127.0.0.1:0",
        env: dict[str, str] | None = None,
        prefix: tuple[str, ...] = (),
        python: str | None = sys.executable,
        **options: Any,
    ) -> None:
        self.error_path = folder / "stderr.log"
        self.fake_path = folder / "fake.jsonl"
        self.command = [*prefix, str(find_binary())]
        if bind:
            self.command += ["-b", bind]
        if python:
            self.command += ["--python", python]
        self.command += [*arguments, "fake:app"]
        environment = server_environment(find_binary())
        environment.update(PYTHONPATH=str(FAKE), FAKE_STEPS=steps, FAKE_LOG=str(self.fake_path))
        if "ASAN_OPTIONS" in environment:
            # Fake workers die by SIGSEGV; under ASan that would be a report and an abort.
            environment["ASAN_OPTIONS"] += ":handle_segv=0"
        environment.update(env or {})
        with self.error_path.open("wb") as error:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=error,
                env=environment,
                cwd=options.pop("cwd", folder),
                start_new_session=True,
                **options,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        return self.error_path.read_text(errors="backslashreplace")

    def wait_log(self, pattern: str, count: int = 1) -> re.Match[str]:
        """The count-th match of the pattern in the log."""

        def found() -> re.Match[str] | None:
            ended = self.process.poll() is not None
            matches = list(re.finditer(pattern, self.log, re.MULTILINE))
            assert len(matches) >= count or not ended, "the master has ended"
            return matches[count - 1] if len(matches) >= count else None

        try:
            return wait_until(found, f"{count} × {pattern!r}")
        except AssertionError as failure:
            raise AssertionError(f"{pattern!r}: {failure}\n{self.log}") from None

    def wait_ready(self, workers: int = 1) -> Master:
        self.wait_log(r"Worker ready \(pid: \d+\)", workers)
        return self

    @property
    def ready_pids(self) -> list[int]:
        return [int(pid) for pid in re.findall(r"Worker ready \(pid: (\d+)\)", self.log)]

    @property
    def booted_pids(self) -> list[int]:
        return [int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", self.log)]

    @property
    def urls(self) -> list[str]:
        return self.wait_log(r"Listening at: (\S+) \(\d+\)$")[1].split(",")

    def connect(self, url: str | None = None) -> socket.socket:
        url = url or self.urls[0]
        if url.startswith("unix:"):
            connected = socket.socket(socket.AF_UNIX)
            connected.settimeout(10)
            connected.connect(url.removeprefix("unix:"))
            return connected
        match = re.fullmatch(r"http://\[?([^\]/]+?)\]?:(\d+)", url)
        assert match, url
        return socket.create_connection((match[1], int(match[2])), timeout=10)

    def ask(self, url: str | None = None) -> int:
        """The pid of the worker that took the connection."""
        with self.connect(url) as connected:
            return int(connected.recv(100))

    def refuses(self, url: str | None = None) -> bool:
        try:
            self.connect(url).close()
        except (ConnectionRefusedError, FileNotFoundError):
            return True
        return False

    def events(self, event: str) -> list[dict[str, Any]]:
        """What the fake workers recorded, oldest first."""
        if not self.fake_path.exists():
            return []
        entries = [json.loads(line) for line in self.fake_path.read_text().split("\n")[:-1]]
        return [entry for entry in entries if entry["event"] == event]

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def wait_exit(self, timeout_s: float = 30.0) -> int:
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the master has not ended in {timeout_s} s\n{self.log}") from None

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.send(number)
        return self.wait_exit()

    def finish(self) -> None:
        """Whatever the test did: nothing is left, and nothing crashed."""
        try:
            if self.process.poll() is None:
                assert self.stop(signal.SIGQUIT) == 0, self.log
            print(f"--- {' '.join(self.command)}\n{self.log}")
            crash = CRASHES.search(self.log)
            assert not crash, crash
            wait_until(lambda: not self.session_members(), "the workers to be gone", 10)
        finally:
            for pid in self.session_members():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()
            if self.process.stdout:
                self.process.stdout.close()

    def session_members(self) -> list[int]:
        return session_members(self.pid)


def is_gone(pid: int) -> bool:
    """Ended; perhaps a zombie, where nobody reaps."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def elapsed(act: Callable[[], Any]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


RunMaster = Callable[..., Master]


@pytest.fixture
def run_master(tmp_path: Path) -> Iterator[RunMaster]:
    """run_master(steps, *arguments, bind=…, env=…): a master of the test's own."""
    masters: list[Master] = []

    def start(*arguments: Any, **options: Any) -> Master:
        folder = tmp_path / f"master-{len(masters)}"
        folder.mkdir()
        masters.append(Master(folder, *arguments, **options))
        return masters[-1]

    yield start
    for master in masters:
        master.finish()
