"""What the test apps record about themselves: a JSON line for each event, in the file that
PROBE_LOG names.

A file, because the test must see what happened in a worker whose connections it has spoilt, or that
is gone.
"""

from __future__ import annotations

import json
import os
import threading
import time

_descriptor = os.open(
    os.environ.get("PROBE_LOG", os.devnull), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600
)


def record(event: str, **facts: object) -> None:
    """One write, so that lines of several threads and workers do not mix."""
    line = {
        "event": event,
        "pid": os.getpid(),
        "thread": threading.get_ident(),
        "time": time.monotonic(),
        **facts,
    }
    os.write(_descriptor, json.dumps(line).encode() + b"\n")
