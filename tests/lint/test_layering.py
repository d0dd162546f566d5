"""The layering check can fail: each rule is broken once, on a tree made for it."""

from pathlib import Path

import pytest
from layering import check

HEADER = "// What it is.\n#pragma once\n"


def violations(root: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return check(root)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("src/base/a.cc", '#include "src/net/b.h"\n', "src/base may not include src/net"),
        ("src/net/a.cc", '#include "src/server/b.h"\n', "src/net may not include src/server"),
        ("src/net/a.cc", '#include "src/config/b.h"\n', "src/net may not include src/config"),
        ("src/master/a.cc", '#include "src/server/b.h"\n', "src/master may not include src/server"),
        ("src/server/a.cc", '#include "workers/python/b.h"\n', "may not include workers/python"),
        (
            "protocols/http/a.cc",
            '#include "protocols/http1/b.h"\n',
            "may not include protocols/http1",
        ),
        ("workers/asyncio/a.cc", '#include "workers/asgi/b.h"\n', "may not include workers/asgi"),
        ("src/net/a.cc", '#include "b.h"\n', "is no file of the project"),
        ("src/net/a.cc", "#include <src/base/b.h>\n", "write it with quotes"),
        ("src/server/a.cc", "#include <uv.h>\n", "<uv.h> may be included only in src/net"),
        ("src/server/a.cc", "  # include <Python.h>\n", "only in workers"),
        ("src/control/a.cc", "#include <pybind11/pybind11.h>\n", "only in workers"),
        ("src/master/a.cc", "#include <CLI/CLI.hpp>\n", "only in src/config"),
        ("src/net/a.cc", "#include <openssl/ssl.h>\n", "only in protocols/tls"),
        ("tests/unit/src/server/a_test.cc", "#include <uv.h>\n", "only in src/net"),
        ("src/other/a.cc", "int a;\n", "belongs to no layer"),
        ("src/net/a.h", "// What it is.\n", "needs #pragma once"),
        ("src/net/a.h", "#pragma once\n", "opens with a comment"),
        ("src/net/a.cc", "//" + "x" * 99 + "\n", "101 columns"),
        ("src/net/a.cc", "\n" * 601, "601 lines"),
    ],
)
def test_a_broken_rule_is_named(tmp_path: Path, name: str, text: str, expected: str) -> None:
    folders = (
        "src/base",
        "src/net",
        "src/config",
        "src/server",
        "protocols/http1",
        "workers/python",
        "workers/asgi",
    )
    files = {f"{folder}/b.h": HEADER for folder in folders}
    problems = violations(tmp_path, {**files, name: text})
    assert len(problems) == 1
    assert problems[0].startswith(name + ":")
    assert expected in problems[0]


def test_what_the_table_allows_passes(tmp_path: Path) -> None:
    files = {
        "src/base/b.h": HEADER,
        "protocols/http/b.h": HEADER + '#include "src/base/b.h"\n',
        "protocols/http1/a.cc": '#include <llhttp.h>\n\n#include "protocols/http/b.h"\n',
        "src/net/b.h": HEADER + '#include <uv.h>\n#include "src/base/b.h"\n',
        "src/control/a.cc": '#include "src/net/b.h"\n',
        "workers/module.cc": '#include <pybind11/pybind11.h>\n#include "src/net/b.h"\n',
        "tests/unit/src/net/a_test.cc": '#include <uv.h>\n#include "src/net/b.h"\n',
    }
    assert violations(tmp_path, files) == []
