"""What is built for others works where they install it: wheel, source distribution, bare clone.

Each is tried with every interpreter that is found, in a venv of its own in which nothing else is
installed.
"""

from __future__ import annotations

import re
import subprocess
import zipfile
from pathlib import Path

import pytest
from build_wheels import (
    ROOT,
    Interpreter,
    build_sdist,
    build_wheel,
    clean_environment,
    every_interpreter,
    interpreters,
    pip,
    wheel_of,
)
from serving import get, serving

# All that the binary and the extension may want from the machine.
LIBRARIES = {"linux-vdso", "ld-linux-x86-64", "ld-linux-aarch64", "libc", "libm", "libpthread"}
LIBRARIES |= {"libdl", "librt"}

# They answer with the environment that they run in.
APPS = """
import sys

BODY = sys.prefix.encode()


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("no lifespan")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": BODY})


def wsgi(environ, start_response):
    start_response("200 OK", [])
    return [BODY]
"""
RUN = "import cppcorn, sys; sys.exit(cppcorn.run('apps:asgi', bind='127.0.0.1:0'))"

pytestmark = pytest.mark.timeout(1800)
EVERY = every_interpreter()
each = pytest.mark.parametrize("interpreter", EVERY, ids=lambda one: one.path)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """The wheel of each minor version of Python."""
    folder = tmp_path_factory.mktemp("wheels")
    return {found.minor: build_wheel(found, folder) for found in interpreters()}


def make_venv(interpreter: Interpreter, folder: Path) -> Path:
    venv = folder / "a venv"  # with a space, as people have
    subprocess.run([interpreter.path, "-I", "-m", "venv", str(venv)], check=True)
    return venv


def output(venv: Path, *command: str) -> str:
    """What a command prints in the activated venv."""
    return subprocess.run(
        command, env=clean_environment(venv), cwd=venv, capture_output=True, text=True, check=True
    ).stdout


def check_installed(venv: Path) -> None:
    """The ways to start it, in both kinds, activated and not: the venv's own interpreter serves."""
    version = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text())
    assert version
    assert version[1] in output(venv, "cppcorn", "--version")
    assert version[1] in output(venv, "python", "-m", "cppcorn", "--version")
    code = "import cppcorn, cppcorn._cppcorn as native; print(cppcorn.__version__, native.__file__)"
    printed = output(venv, "python", "-c", code)
    assert printed.split(maxsplit=1)[0] == version[1]

    (venv / "apps.py").write_text(APPS)
    activated, bare = clean_environment(venv), clean_environment()
    local = ("-b", "127.0.0.1:0")
    for env, command in (
        (bare, (f"{venv}/bin/cppcorn", "-k", "asgi", *local, "apps:asgi")),
        (activated, ("cppcorn", "-k", "gthread", *local, "apps:wsgi")),
        (bare, (f"{venv}/bin/python", "-m", "cppcorn", *local, "apps:wsgi")),
        (activated, ("python", "-c", RUN)),
    ):
        with serving(command, venv, env, venv / "log") as url:
            assert get(url) == str(venv).encode(), command

    extension = printed.split(maxsplit=1)[1].strip()
    for file in (str(venv / "bin" / "cppcorn"), extension):
        linked = {line.split()[0] for line in output(venv, "ldd", file).splitlines()}
        names = {Path(name).name.split(".so")[0] for name in linked}
        assert names <= LIBRARIES, file


@each
def test_wheel(interpreter: Interpreter, wheels: dict[int, Path], tmp_path: Path) -> None:
    venv = make_venv(interpreter, tmp_path)
    pip(venv, "install", "--quiet", "--no-index", wheels[interpreter.minor])
    check_installed(venv)


def test_wheel_holds_the_package_alone(wheels: dict[int, Path]) -> None:
    with zipfile.ZipFile(next(iter(wheels.values()))) as wheel:
        names = wheel.namelist()
    assert "cppcorn/py.typed" in names
    assert any(re.fullmatch(r"cppcorn/_cppcorn\.[^/]+\.so", name) for name in names)
    assert any(name.endswith(".data/scripts/cppcorn") for name in names)
    ours = re.compile(r"cppcorn/[\w./]+\.(py|pyi|so)|cppcorn/_cppcorn\..*\.so|cppcorn/py\.typed")
    strangers = [name for name in names if "cppcorn-" not in name and not ours.fullmatch(name)]
    assert strangers == []


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_sdist(interpreters()[0], tmp_path_factory.mktemp("sdist"))


@each
def test_source_distribution_without_an_index(
    interpreter: Interpreter, sdist: Path, tmp_path: Path
) -> None:
    wheel = wheel_of(sdist, interpreter, tmp_path, cwd=tmp_path)
    venv = make_venv(interpreter, tmp_path)
    pip(venv, "install", "--quiet", "--no-index", wheel, cwd=tmp_path)
    check_installed(venv)


@each
def test_bare_clone(interpreter: Interpreter, tmp_path: Path) -> None:
    clone = tmp_path / "a clone"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
    venv = make_venv(interpreter, tmp_path)
    pip(venv, "install", "--quiet", clone, cwd=tmp_path)
    check_installed(venv)
