"""`./dev wheel`: a wheel for each Python that is found, and the source distribution, in dist/.

    build_wheels.py [PYTHON...]     interpreters to build for; else every one from 3.11 to 3.15 that is found

An interpreter without the venv module or without its headers is named and left out.
"""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "dist"
WORK = ROOT / "build-wheel"  # the environments that build
REQUIREMENTS = ROOT / "tests" / "requirements-build.txt"
MINORS = range(11, 16)

PROBE = """
import os, sys, sysconfig
lacks = []
try:
    import ensurepip, venv
except ImportError:
    lacks.append("venv")
if not os.path.exists(sysconfig.get_path("include") + "/Python.h"):
    lacks.append("headers")
print(os.path.realpath(sys._base_executable), sys.implementation.name, *sys.version_info[:2], bool(
    sysconfig.get_config_var("Py_GIL_DISABLED")), ",".join(lacks) or "-", sep="\\n")
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python that wheels can be built for and run with."""

    path: str
    minor: int

    @property
    def name(self) -> str:
        """For its folders: there may be two interpreters of a minor version."""
        return f"cp3{self.minor}-{hashlib.sha256(self.path.encode()).hexdigest()[:6]}"

    @property
    def venv(self) -> Path:
        return WORK / self.name

    @property
    def build(self) -> Path:
        """Where Meson builds. As deep below the sources as the folder that pip makes for itself, so
        that the compiler is given the same paths, and ccache has what any of these builds made.
        """
        return ROOT / f"build-{self.name}"


def candidates() -> Iterator[str]:
    """Paths that may be interpreters, the likeliest first; the same one may come twice."""
    yield sys.executable
    for minor in MINORS:
        for folder in os.get_exec_path():
            yield f"{folder}/python3.{minor}"
    yield "/usr/bin/python3"
    pyenv = os.environ.get("PYENV_ROOT") or str(Path.home() / ".pyenv")
    yield from sorted(glob.glob(f"{pyenv}/versions/3.1*/bin/python3"))


def probe(path: str) -> tuple[Interpreter | None, str]:
    """What a path is, and why it is of no use when it is of none."""
    try:
        done = subprocess.run(
            [path, "-I", "-c", PROBE], capture_output=True, text=True, check=False
        )
    except OSError as error:
        return None, str(error)
    if done.returncode != 0:
        return None, f"{path} does not start"
    real, implementation, major, minor, free_threaded, lacks = done.stdout.split("\n")[:6]
    if implementation != "cpython" or major != "3" or int(minor) not in MINORS:
        return None, f"{path} is no CPython from 3.{MINORS[0]} to 3.{MINORS[-1]}"
    if free_threaded == "True":
        return None, f"{path} is free-threaded, which is not supported yet"
    if lacks != "-":
        return None, f"{path} lacks its {lacks}"
    return Interpreter(real, int(minor)), ""


def every_interpreter() -> list[Interpreter]:
    """All that are found, two of a minor version included."""
    found: dict[str, Interpreter] = {}
    seen: set[str] = set()
    for path in candidates():
        real = shutil.which(path)
        if not real or os.path.realpath(real) in seen:
            continue
        seen.add(os.path.realpath(real))
        interpreter, trouble = probe(real)
        if interpreter:
            found.setdefault(interpreter.path, interpreter)
        elif "lacks" in trouble:
            print(f"left out: {trouble}")
    return sorted(found.values(), key=lambda interpreter: interpreter.minor)


def interpreters(named: Iterable[str] = ()) -> list[Interpreter]:
    """The named interpreters, each of which must be of use; or one of each minor version found."""
    if not named:
        return list({one.minor: one for one in reversed(every_interpreter())}.values())[::-1]
    found = []
    for path in named:
        interpreter, trouble = probe(shutil.which(path) or path)
        if not interpreter:
            sys.exit(trouble)
        found.append(interpreter)
    return found


def clean_environment(venv: Path | None = None) -> dict[str, str]:
    """The environment of a person who has activated that venv, or none; never the checkout's."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    folders = [folder for folder in os.get_exec_path() if Path(folder) != ROOT / ".venv" / "bin"]
    if venv:
        folders.insert(0, f"{venv}/bin")
        env["VIRTUAL_ENV"] = str(venv)
    return env | {"PATH": os.pathsep.join(folders)}


def pip(venv: Path, *arguments: str | Path, cwd: Path = ROOT) -> None:
    """pip of that venv, quietly; its output is shown when it fails."""
    command = [str(venv / "bin" / "python"), "-m", "pip", *map(str, arguments)]
    done = subprocess.run(
        command, cwd=cwd, env=clean_environment(venv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}")


def build_environment(interpreter: Interpreter) -> Path:
    """A venv with the build requirements, kept for the next time."""
    inputs = f"{interpreter.path} {ROOT}".encode() + REQUIREMENTS.read_bytes()
    key = hashlib.sha256(inputs).hexdigest()
    venv = interpreter.venv
    stamp = venv / ".stamp"
    if not stamp.exists() or stamp.read_text() != key:
        shutil.rmtree(venv, ignore_errors=True)
        shutil.rmtree(interpreter.build, ignore_errors=True)
        subprocess.run([interpreter.path, "-I", "-m", "venv", str(venv)], check=True)
        pip(venv, "install", "--quiet", "-r", REQUIREMENTS)
        stamp.write_text(key)
    return venv


def wheel_of(
    source: Path, interpreter: Interpreter, into: Path, *settings: str, cwd: Path = ROOT
) -> Path:
    """Makes a wheel from a checkout or a source distribution, with no index to ask."""
    venv = build_environment(interpreter)
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        pip(
            venv, "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation",
            *settings, "--wheel-dir", folder, source, cwd=cwd,
        )  # fmt: skip
        (built,) = Path(folder).glob("*.whl")
        into.mkdir(exist_ok=True)
        return Path(shutil.move(built, into / built.name))


def build_wheel(interpreter: Interpreter, into: Path = DIST) -> Path:
    """Builds the wheel of the checkout as it is; the second time is quick."""
    build_environment(interpreter)  # it may empty the build
    setting = f"--config-settings=build-dir={interpreter.build}"
    return wheel_of(ROOT, interpreter, into, setting)


def build_sdist(interpreter: Interpreter, into: Path = DIST) -> Path:
    """The source distribution of what is committed, with the archives that the wraps want."""
    venv = build_environment(interpreter)
    into.mkdir(exist_ok=True)
    code = f"import mesonpy; print(mesonpy.build_sdist({str(into)!r}))"
    done = subprocess.run(
        [str(venv / "bin" / "python"), "-c", code],
        cwd=ROOT, env=clean_environment(venv), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    return into / done.stdout.split()[-1]


def main() -> int:
    found = interpreters(sys.argv[1:])
    if not found:
        print("no Python from 3.11 to 3.15 was found", file=sys.stderr)
        return 1
    try:
        for interpreter in found:
            print(f"Python 3.{interpreter.minor} ({interpreter.path})", flush=True)
            print(f"  {build_wheel(interpreter).relative_to(ROOT)}", flush=True)
        print(build_sdist(found[0]).relative_to(ROOT))
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
