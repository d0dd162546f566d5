"""What every framework's site serves, so that one test body can check all of them (README.md lists
the routes).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

DOWNLOAD = Path(__file__).with_name("download.bin")
STREAM_LINES = 50
COOKIES = {"first": "1", "second": "two"}


def stream_line(number: int) -> str:
    return f"line {number}\n"


def measured(name: str, content: bytes) -> dict[str, str | int]:
    return {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def download_content() -> bytes:
    return b"".join(b"%06d\n" % number for number in range(100_000))


def download() -> str:
    """A file of 700 KB, made when it is first wanted; the rename lets several workers do so at
    once.
    """
    if not DOWNLOAD.exists():
        import os

        own = DOWNLOAD.with_suffix(f".{os.getpid()}")
        own.write_bytes(download_content())
        own.rename(DOWNLOAD)
    return str(DOWNLOAD)
