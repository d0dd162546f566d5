"""run_in_python.py EXTENSION [ARGS...]: runs the GoogleTest cases of an extension module in this
interpreter, and exits with their status.

A sanitized extension needs its runtimes in the process before everything else: then the interpreter
is started anew with them preloaded.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

PRELOADED = "CPPCORN_TESTS_PRELOADED"


def runtimes(extension: Path) -> list[str]:
    content = extension.read_bytes()
    wanted = [name for name in ("asan", "ubsan", "tsan") if f"lib{name}.so".encode() in content]
    if not wanted:
        return []
    names = [f"lib{name}.so" for name in (*wanted, "stdc++")]
    paths = [
        subprocess.check_output(["gcc", f"-print-file-name={name}"], text=True).strip()
        for name in names
    ]
    return [os.path.realpath(path) for path in paths if Path(path).is_absolute()]


def main() -> int:
    extension = Path(sys.argv[1])
    preload = [] if PRELOADED in os.environ else runtimes(extension)
    if preload:
        # An interpreter frees little at its end, and its own allocator would hide a use of freed
        # memory.
        options = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "detect_leaks=0"]))
        extra = {
            "LD_PRELOAD": " ".join(preload),
            "ASAN_OPTIONS": options,
            "PYTHONMALLOC": "malloc",
            PRELOADED: "1",
        }
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | extra)
    os.environ.pop("LD_PRELOAD", None)  # not for programs that a test starts
    name = extension.name.partition(".")[0]
    loader = importlib.machinery.ExtensionFileLoader(name, str(extension))
    spec = importlib.util.spec_from_file_location(name, extension, loader=loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    status: int = module.main([name, *sys.argv[2:]])
    return status


if __name__ == "__main__":
    sys.exit(main())
