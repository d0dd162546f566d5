"""`./dev` in a fresh clone sets up, serves, is quick the second time, names what is missing."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from build_wheels import ROOT, clean_environment, every_interpreter
from serving import get, serving

SECOND_SETUP_SECONDS_MAX = 1.0

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A home in which nothing may appear, and the newest Python that is found."""
    home = tmp_path_factory.mktemp("home")
    # What the checkout has compiled with the same flags need not be compiled again.
    cached = {"CCACHE_NOHASHDIR": "1"}
    chosen = {"HOME": str(home), "PYTHON": every_interpreter()[-1].path}
    return clean_environment() | cached | chosen


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dev") / "a clone"
    subprocess.run(
        ["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder)], check=True
    )
    return folder


def dev(clone: Path, env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(clone / "dev"), *words], cwd=clone.parent, env=env, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


def test_setup_in_a_fresh_clone(clone: Path, environment: dict[str, str]) -> None:
    first = dev(clone, environment, "setup")
    assert first.returncode == 0, first.stdout + first.stderr
    started = time.monotonic()
    second = dev(clone, environment, "setup")
    assert second.returncode == 0, second.stdout + second.stderr
    assert time.monotonic() - started < SECOND_SETUP_SECONDS_MAX

    program, python = str(clone / ".venv/bin/cppcorn"), str(clone / ".venv/bin/python")
    package = "import cppcorn; print(cppcorn.binary().name, cppcorn.__version__)"
    printed = {
        subprocess.check_output(command, env=environment, cwd=clone.parent, text=True)
        for command in ([program, "--version"], [python, "-m", "cppcorn", "--version"])
    } | {subprocess.check_output([python, "-c", package], env=environment, text=True)}
    assert len(printed) == 1, printed
    # pip asks a rustc that is on PATH for its version, and rustup's makes its own folder then.
    assert {path.name for path in Path(environment["HOME"]).iterdir()} <= {".rustup"}
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True
    )
    assert status.stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        ("-k", "asgi", "examples.fastapi_app:app"),
        ("-k", "gthread", "--threads", "4", "examples.flask_app:app"),
    ],
    ids=["fastapi", "flask"],
)
def test_run_serves_the_examples(
    clone: Path, environment: dict[str, str], words: tuple[str, ...], tmp_path: Path
) -> None:
    command = [str(clone / "dev"), "run", "-b", "127.0.0.1:0", *words]
    with serving(command, clone, environment, tmp_path / "log") as url:
        assert get(url)


def test_run_without_arguments_serves_fastapi(
    clone: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    env = environment | {"PORT": "0"}
    with serving([str(clone / "dev"), "run"], tmp_path, env, tmp_path / "log") as url:
        assert b"fastapi" in get(f"{url}/docs").lower()


def test_missing_packages_are_named(
    clone: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """Without the right to install, what is missing is named and nothing else happens."""
    fakes = {"dpkg-query": "exit 1", "id": "echo 1000", "sudo": "exit 1"}
    for name, body in fakes.items():
        script = tmp_path / name
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o755)
    bare = tmp_path / "bare clone"
    subprocess.run(["git", "clone", "--quiet", str(clone), str(bare)], check=True)
    env = environment | {"PATH": f"{tmp_path}{os.pathsep}{environment['PATH']}"}
    done = dev(bare, env, "setup")
    assert done.returncode == 1
    assert "sudo apt-get install g++ ccache pkg-config libuv1-dev" in done.stderr
    assert not (bare / ".venv").exists()
