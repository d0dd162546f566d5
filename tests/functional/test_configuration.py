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
from cppcorn_server import APPS, ROOT, Server, find_binary, server_environment

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


def test_nowhere_to_print() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [find_binary(), "--print-config"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == ("cppcorn: standard output cannot be written: No space left on device\n")


def test_print_config_says_what_has_no_effect() -> None:
    done = cppcorn("--print-config", "--spew")
    assert done.returncode == 0
    assert done.stderr.startswith("cppcorn: option --spew has no effect: ")


def test_check_config_and_print_config() -> None:
    done = cppcorn("--check-config", "--print-config", "common_wsgi:app", "--app-dir", str(APPS))
    assert (done.returncode, done.stderr) == (0, "")
    assert "workers = 1  # default\n" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("The configuration is good: common_wsgi:app")


def test_check_config_looks_for_the_loop(tmp_path: Path) -> None:
    """As where uvloop is not installed."""
    (tmp_path / "uvloop.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'uvloop'\", name='uvloop')"
    )
    arguments = ["common_asgi:app", "--app-dir", str(APPS), "--pythonpath", str(tmp_path)]
    assert cppcorn("--check-config", *arguments).returncode == 0
    for wanted in (["--check-config"], ["-b", "127.0.0.1:0"]):
        done = cppcorn(*wanted, *arguments, "--loop", "uvloop")
        assert done.returncode == 3
        assert "uvloop is not installed; install it, or use --loop auto" in done.stderr


@pytest.mark.parametrize("flag", ["--error-logfile", "--access-logfile"])
def test_the_folder_of_a_log_must_be_there(tmp_path: Path, flag: str) -> None:
    path = tmp_path / "logs" / "site.log"
    arguments = ["common_wsgi:app", "--app-dir", str(APPS), "-b", "127.0.0.1:0", flag, str(path)]
    for check in ([], ["--check-config"]):
        done = cppcorn(*check, *arguments)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert f"there is no folder {path.parent}/; create it ({flag} names it)" in done.stderr
    assert not path.parent.exists()


def test_the_folder_of_temporary_files_must_be_there(tmp_path: Path) -> None:
    done = cppcorn("common_wsgi:app", "--app-dir", str(APPS), "--tmp-upload-dir", f"{tmp_path}/x")
    assert done.returncode == 1
    assert f"temporary files cannot be made in {tmp_path}/x: No such file" in done.stderr


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


def test_what_a_file_may_not_say_is_one_line_and_2(tmp_path: Path) -> None:
    cases = {
        "workers = 0": "key workers: '0' is not valid; allowed: a whole number from 1 to 1024",
        "workers = [2]": "key workers: a list is not valid; allowed: a whole number from 1 to 1024",
        "wrokers = 2": "unknown key wrokers; did you mean workers?",
        "workers = ": "no valid TOML: Invalid value (at end of document)",
        "reload = true": "key reload is not available in this release",
        "[server]\nworkers = 2": "key server: allowed: a text, a number, true or false",
    }
    for content, said in cases.items():
        toml = tmp_path / "conf.toml"
        toml.write_text(content)
        done = cppcorn("common_asgi:app", "-c", str(toml))
        assert (done.returncode, done.stdout) == (2, ""), content
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith(f"cppcorn: {toml}")
        assert said in done.stderr


def test_variables_and_their_order(tmp_path: Path) -> None:
    """PORT and WEB_CONCURRENCY are defaults, weaker than a file; CPPCORN_… are stronger."""
    file = tmp_path / "conf.json"
    file.write_text('{"workers": 2}')
    variables = {"WEB_CONCURRENCY": "5", "PORT": "5000"}

    def printed(*args: str, **env: str) -> list[str]:
        done = cppcorn("--print-config", *args, **variables, **env)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    assert "workers = 5  # environment variable WEB_CONCURRENCY" in printed()
    assert f"workers = 2  # {file}, key workers" in printed("-c", str(file))
    by_variables = printed(CPPCORN_CONFIG=str(file), CPPCORN_WORKERS="3", CPPCORN_BIND=":1,:2")
    assert "workers = 3  # environment variable CPPCORN_WORKERS" in by_variables
    assert "bind = 0.0.0.0:1, 0.0.0.0:2  # environment variable CPPCORN_BIND" in by_variables
    assert "workers = 4  # option -w" in printed("-w", "4", CPPCORN_WORKERS="3")
    assert "bind = [::1]:5000  # option --host" in printed("--host", "::1")


def test_pyproject_toml(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text('[project]\nname = "x"\n[tool.cppcorn]\nbind = [":1", ":2"]\nkeepalive = 2.5\n')
    lines = cppcorn("--print-config", "-c", str(file)).stdout.splitlines()
    assert f"bind = 0.0.0.0:1, 0.0.0.0:2  # {file}, key bind" in lines
    assert f"keepalive = 2.5  # {file}, key keepalive" in lines


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
