"""Starting a server as a person does, and ending it with TERM."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

START_SECONDS_MAX = 60.0  # on a busy machine
POLL_SECONDS = 0.02


@contextmanager
def serving(command: Sequence[str], folder: Path, env: dict[str, str], log: Path) -> Iterator[str]:
    """The URL of the server that a command in a folder starts; it must end with status 0."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=env, cwd=folder, stdout=output, stderr=output, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + START_SECONDS_MAX
        while not (found := re.search(r"Listening at: (http://[^\s,]+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(POLL_SECONDS)
        yield found[1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(START_SECONDS_MAX) == 0, log.read_text()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=START_SECONDS_MAX) as response:
        body: bytes = response.read()
        return body
