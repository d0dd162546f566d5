"""Bring the source archives that some wraps take from PyPI into subprojects/packagefiles/.

Meson looks there for a wrap whose [wrap-file] has no source_url, and checks its source_hash itself.
The archives are sdists, so they are fetched by name with pip; a source distribution of ours carries
them already, and then nothing is fetched and no pip is needed.

    fetch_sources.py              fetch what is absent
    fetch_sources.py --dist       copy the archives into $MESON_DIST_ROOT (run by `meson dist`)
"""

import configparser
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

SUBPROJECTS = Path(__file__).resolve().parent
FETCH_SECONDS_MAX = 300


def archives() -> Iterator[tuple[str, str]]:
    """File name and SHA-256 of every archive that a wrap expects without saying a URL."""
    for wrap in sorted(SUBPROJECTS.glob("*.wrap")):
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(wrap, encoding="utf-8")
        section = parser["wrap-file"]
        if "source_url" not in section:
            yield section["source_filename"], section["source_hash"]


def is_whole(archive: Path, sha256: str) -> bool:
    """Whether the archive is there with the contents that the wrap names."""
    return archive.is_file() and hashlib.sha256(archive.read_bytes()).hexdigest() == sha256


def pip_commands() -> Iterator[list[str]]:
    """The ways to reach a pip, best first.

    Inside pip's own build isolation the interpreter sees no pip, as PYTHONPATH hides it, but the
    interpreter that the isolated one is made from has it, as a module or bundled with ensurepip.
    """
    base = getattr(sys, "_base_executable", None) or sys.executable
    for python in dict.fromkeys((sys.executable, base)):
        yield [python, "-m", "pip"]
    for name in ("pip3", "pip"):
        if found := shutil.which(name):
            yield [found]
    for folder in (
        Path(os.__file__).parent / "ensurepip/_bundled",
        Path("/usr/share/python-wheels"),
    ):
        for wheel in sorted(folder.glob("pip-*.whl")):
            yield [base, str(wheel / "pip")]


def fetch(filename: str, sha256: str, into: Path) -> str | None:
    """Fetch one sdist by name; returns None, or why it could not be had."""
    name, version = filename.removesuffix(".tar.gz").rsplit("-", 1)
    arguments = ["download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    # Only the package itself has to come as source: its build requirements may be wheels.
    arguments += ["--no-binary", name, f"{name}=={version}"]
    trouble = "no pip was found"
    for pip in pip_commands():
        for environment in (os.environ, {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}):
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run(
                    [*pip, *arguments, "--dest", folder],
                    env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                    timeout=FETCH_SECONDS_MAX, check=False,
                )  # fmt: skip
                archive = Path(folder) / filename
                if is_whole(archive, sha256):
                    # A rename within the folder: two builds at once never see half a file.
                    partial = into / f".{filename}.{os.getpid()}"
                    shutil.copyfile(archive, partial)
                    partial.rename(into / filename)
                    return None
                if archive.is_file():
                    return f"{filename} does not have the SHA-256 {sha256}"
                if "No module named pip" not in done.stderr:
                    trouble = done.stderr.strip() or f"{pip[0]} fetched no {filename}"
    return trouble


def main() -> int:
    into = SUBPROJECTS / "packagefiles"
    if sys.argv[1:] == ["--dist"]:
        target = Path(os.environ["MESON_DIST_ROOT"]) / "subprojects" / "packagefiles"
        for filename, _ in archives():
            shutil.copyfile(into / filename, target / filename)
        return 0
    for filename, sha256 in archives():
        if not is_whole(into / filename, sha256) and (trouble := fetch(filename, sha256, into)):
            print(f"{filename}: {trouble}\nPut it into {into} by hand, or let pip reach an index.")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
