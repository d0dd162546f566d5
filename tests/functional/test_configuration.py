"""Settings from the command line, the environment and files, as the real binary takes them; and the
reader of TOML files by itself. What each setting accepts is for the unit tests of src/config.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Serve
from cppcorn_server import ROOT, Server, find_binary, server_environment

TIMEOUT_S = 60.0


def cppcorn(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [str(find_binary()), "--python", sys.executable, *args]
    environment = server_environment(find_binary(), env)
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


def read_config(*args: str | Path) -> subprocess.CompletedProcess[str]:
    """python -m cppcorn.config, on the package's sources."""
    return subprocess.run(
        [sys.executable, "-m", "cppcorn.config", *map(str, args)],
        env={"PYTHONPATH": str(ROOT / "workers"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


# --- python -m cppcorn.config ---


def test_toml_becomes_json(tmp_path: Path) -> None:
    file = tmp_path / "conf.toml"
    file.write_text(
        'workers = 3\nbind = [":1", "unix:/ü"]\nkeepalive = 2.5\nfactory = true\n', "utf-8"
    )
    done = read_config(file)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "workers": 3,
        "bind": [":1", "unix:/ü"],
        "keepalive": 2.5,
        "factory": True,
    }


def test_of_pyproject_only_the_own_table_is_read(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text('[project]\nname = "x"\n[tool.cppcorn]\nworkers = 2\n')
    assert json.loads(read_config(file).stdout) == {"workers": 2}


KINDS_OF_VALUE = "allowed: a text, a number, true or false, or a list of them"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.toml", b"workers =", "no valid TOML: Invalid value (at end of document)"),
        ("a.toml", b"a = '\xff'", "not UTF-8, which TOML has to be"),
        ("a.toml", b"day = 2026-11-21", f"key day: {KINDS_OF_VALUE}"),
        ("a.toml", b"[table]\nx = 1", f"key table: {KINDS_OF_VALUE}"),
        ("a.toml", b"rate = inf", f"key rate: {KINDS_OF_VALUE}"),
        ("a.toml", b"list = [[1]]", f"key list: {KINDS_OF_VALUE}"),
        ("pyproject.toml", b"[tool.other]\n", "there is no table [tool.cppcorn]"),
        ("pyproject.toml", b"tool = 1", "there is no table [tool.cppcorn]"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    done = read_config(file)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said + "\n")


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    done = read_config(tmp_path / "none.toml")
    assert (done.returncode, done.stderr) == (1, "No such file or directory\n")
    assert read_config().returncode == 2


# --- the binary ---


def test_version_and_help() -> None:
    version = cppcorn("--version")
    assert version.returncode == 0
    assert version.stdout.startswith("cppcorn ")
    help_ = cppcorn("-h")
    assert help_.returncode == 0
    assert "-w, --workers N" in help_.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--wrokers", "3"], "unknown option --wrokers; did you mean --workers?"),
        (["-w", "x"], "option -w: 'x' is not valid; allowed: a whole number from 1 to 1024"),
        (["-c", "none.json"], "none.json: No such file or directory"),
        (["-c", "none.toml"], "none.toml: No such file or directory"),
        (["--certfile", "x"], "option --certfile is not available in this release: TLS comes"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_2(args: list[str], said: str) -> None:
    done = cppcorn("common_asgi:app", *args)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


def test_sources_and_their_order(tmp_path: Path) -> None:
    toml = tmp_path / "conf.toml"
    toml.write_text("workers = 2\nbacklog = 7\nthreads = 3\n")
    done = cppcorn(
        "--print-config", "-c", str(toml), "--threads", "5", CPPCORN_BACKLOG="9", PORT="5000"
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert f"workers = 2  # {toml}, key workers" in lines
    assert "backlog = 9  # environment variable CPPCORN_BACKLOG" in lines
    assert "threads = 5  # option --threads" in lines
    assert "bind = 0.0.0.0:5000  # environment variable PORT" in lines
    assert "keepalive = 2  # default" in lines


@pytest.mark.parametrize("name", ["conf.toml", "conf.json"])
def test_a_file_configures_a_server(serve: Serve, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    content = {"wsgi_app": "common_asgi:app", "bind": ["127.0.0.1:0"], "worker_class": "asgi"}
    if name.endswith("json"):
        file.write_text(json.dumps(content))
    else:
        file.write_text("\n".join(f"{key} = {json.dumps(value)}" for key, value in content.items()))
    server: Server = serve(None, "-c", str(file), bind=None)
    with server.connect() as connected:
        connected.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert connected.recv(9) == b"HTTP/1.1 "
