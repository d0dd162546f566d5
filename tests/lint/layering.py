"""Check what the compiler does not: which layer includes which, and the shape of files.

The rules are the table of docs/architecture.md: a layer may include the layers that its row below
names, and nothing else of the project. Outside libraries have one door each.

    layering.py [ROOT]      print one line a violation; the exit status is 1 when there is any
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

LINE_COLUMNS_MAX = 100
FILE_LINES_MAX = 600

PROTOCOLS_LOW = ("protocols/http",)
PROTOCOLS = (
    "protocols/http",
    "protocols/http1",
    "protocols/http2",
    "protocols/websocket",
    "protocols/proxy",
    "protocols/tls",
)
LOOP = ("src/net", "src/control", "src/config")
WORKER_LOW = ("src/base", *PROTOCOLS, *LOOP, "src/server")

# Layer: the layers that it may include besides itself. A file belongs to the longest prefix.
LAYERS: dict[str, tuple[str, ...]] = {
    "src/base": (),
    "protocols/http": ("src/base",),
    "protocols/http1": ("src/base", *PROTOCOLS_LOW),
    "protocols/http2": ("src/base", *PROTOCOLS_LOW),
    "protocols/websocket": ("src/base", *PROTOCOLS_LOW),
    "protocols/proxy": ("src/base", *PROTOCOLS_LOW),
    "protocols/tls": ("src/base",),
    "src/net": ("src/base", *PROTOCOLS),
    "src/config": ("src/base", *PROTOCOLS),
    "src/control": ("src/base", *PROTOCOLS, "src/net"),
    "src/server": ("src/base", *PROTOCOLS, *LOOP),
    "src/master": ("src/base", *PROTOCOLS, *LOOP),
    "src/main.cc": ("src/base", *PROTOCOLS, *LOOP, "src/master", "src/server"),
    "workers/python": ("src/base", *PROTOCOLS),
    "workers/wsgi": (*WORKER_LOW, "workers/python"),
    "workers/asyncio": (*WORKER_LOW, "workers/python"),
    "workers/asgi": (*WORKER_LOW, "workers/python", "workers/asyncio"),
    "workers/module.cc": (
        *WORKER_LOW,
        "workers/python",
        "workers/asyncio",
        "workers/asgi",
        "workers/wsgi",
    ),
}

# Outside header (prefix): the folders that may include it; a test may if its subject may.
DOORS: dict[str, tuple[str, ...]] = {
    "uv.h": ("src/net",),
    "Python.h": ("workers",),
    "pybind11/": ("workers",),
    "CLI/": ("src/config",),
    "openssl/": ("protocols/tls",),
    "llhttp.h": ("protocols/http1",),
    "simdjson": ("src/config", "src/control"),
    "spdlog/": ("src/base",),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
PROJECT_ROOTS = ("src", "protocols", "workers", "tests")


def layer_of(path: str) -> str | None:
    """The layer that a file belongs to, by the longest prefix; None when no row fits."""
    fitting = [layer for layer in LAYERS if path == layer or path.startswith(layer + "/")]
    return max(fitting, key=len, default=None)


def sources(root: Path) -> Iterator[str]:
    """Tracked and new C++ files, or every one where there is no git."""
    patterns = ("*.h", "*.cc")
    command = [
        "git",
        "-C",
        str(root),
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--",
        *patterns,
    ]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        names = sorted(name for name in listed.stdout.split("\0") if name)
    else:
        names = sorted(
            str(path.relative_to(root)) for pattern in patterns for path in root.rglob(pattern)
        )
    yield from (
        name for name in names if (root / name).is_file() and name.startswith(PROJECT_ROOTS)
    )


def check_project_include(root: Path, name: str, included: str) -> str | None:
    if not (root / included).is_file():
        return f'"{included}" is no file of the project, as written from the repository root'
    if name.startswith("tests/"):
        return None
    layer, other = layer_of(name), layer_of(included)
    if other is None:
        return f'"{included}" belongs to no layer'
    if layer is not None and other != layer and other not in LAYERS[layer]:
        return f'{layer} may not include {other} ("{included}")'
    return None


def check_outside_include(root: Path, name: str, included: str) -> str | None:
    if (root / included).is_file():
        return f"<{included}> is a file of the project: write it with quotes"
    subject = name
    for folder in ("tests/unit/", "tests/conformance/", "tests/fuzz/", "tests/"):
        if name.startswith(folder):
            subject = name.removeprefix(folder)
            break
    for header, folders in DOORS.items():
        if not included.startswith(header):
            continue
        if not any(subject.startswith(folder + "/") for folder in folders):
            return f"<{included}> may be included only in {', '.join(folders)}"
    return None


def check_shape(name: str, lines: list[str]) -> Iterator[tuple[int, str]]:
    if name.endswith(".h"):
        if not any(line.strip() == "#pragma once" for line in lines):
            yield 1, "a header needs #pragma once"
        if not lines or not lines[0].startswith(("//", "/*")):
            yield 1, "a header opens with a comment: what it is, who owns it, when it dies"
    if len(lines) > FILE_LINES_MAX:
        yield len(lines), f"{len(lines)} lines are more than {FILE_LINES_MAX}: one concept a file"
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_COLUMNS_MAX:
            yield number, f"{len(line)} columns are more than {LINE_COLUMNS_MAX}"


def check_file(root: Path, name: str) -> Iterator[str]:
    lines = (root / name).read_text(encoding="utf-8").splitlines()
    if not name.startswith("tests/") and layer_of(name) is None:
        yield f"{name}:1: belongs to no layer; the table in tests/lint/layering.py has none for it"
    for number, line in enumerate(lines, 1):
        if match := INCLUDE.match(line):
            quoted, angled = match.groups()
            if quoted:
                problem = check_project_include(root, name, quoted)
            else:
                problem = check_outside_include(root, name, angled)
            if problem:
                yield f"{name}:{number}: {problem}"
    for number, problem in check_shape(name, lines):
        yield f"{name}:{number}: {problem}"


def check(root: Path) -> list[str]:
    """Every violation below the root, one line each."""
    return [problem for name in sources(root) for problem in check_file(root, name)]


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    problems = check(root)
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
