"""What `./dev test`, `lint` and `fuzz` do, one step a line; full output goes to build/logs/.

The last line sums up every step, as `N passed, N failed, N skipped`. A check counts as one test.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "logs"
JOBS = os.cpu_count() or 2
TAIL_LINES = 60  # of a failed step's log, shown at once
STEP_SECONDS_MAX = 2700  # a hanging step must not hang the run; packaging is a dozen builds
FUZZ_SECONDS = 60  # each target, when none are given
CLANG_TIDY = "clang-tidy-14"
CLANG_FORMAT = "clang-format-14"


@dataclass
class Outcome:
    """What one step came to; `failures` names what failed."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)

    def __iadd__(self, other: Outcome) -> Outcome:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures
        return self

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass(frozen=True)
class Sanitizer:
    """A second build of everything, and the flags for what it built.

    The functional tests preload the runtime into the interpreters: these are not built with it.
    """

    name: str
    meson: str  # b_sanitize
    optimization: str  # what compiles and runs in the least time together
    flags: dict[str, str]  # environment variables for programs of ours
    python_flags: dict[str, str]  # the same for what runs an interpreter

    @property
    def build(self) -> Path:
        return ROOT / f"build-{self.name}"


TSAN_FLAGS = "second_deadlock_stack=1:suppressions=" + shlex.quote(
    str(ROOT / "tests" / "sanitizers" / "tsan.supp")
)
ASAN = Sanitizer(
    name="asan",
    meson="address,undefined",
    optimization="0",
    flags={
        "ASAN_OPTIONS": "strict_string_checks=1:detect_stack_use_after_return=1:abort_on_error=1",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    },
    python_flags={
        # An interpreter frees little at its end, and says nothing about us by it.
        "ASAN_OPTIONS": "detect_leaks=0:strict_string_checks=1:abort_on_error=1",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        # Python's own allocator would hide a use of freed memory from ASan.
        "PYTHONMALLOC": "malloc",
    },
)
TSAN = Sanitizer(
    name="tsan",
    meson="thread",
    optimization="1",
    flags={"TSAN_OPTIONS": TSAN_FLAGS},
    python_flags={"TSAN_OPTIONS": TSAN_FLAGS + ":die_after_fork=0"},
)


class Run:
    """Runs steps, prints a line for each, and keeps the sum."""

    def __init__(self) -> None:
        self.total = Outcome()
        self.log = LOGS / "none.log"
        LOGS.mkdir(parents=True, exist_ok=True)

    def step(self, name: str, body: Callable[[], Outcome]) -> bool:
        self.log = LOGS / (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") + ".log")
        self.log.unlink(missing_ok=True)
        started = time.monotonic()
        if sys.stdout.isatty():
            print(f"{name:<44} ...", end="\r", flush=True)
        try:
            outcome = body()
        except subprocess.TimeoutExpired as error:
            outcome = Outcome(failed=1, failures=[f"no end after {error.timeout} seconds"])
        except OSError as error:  # a tool that is not there; the other steps still count
            outcome = Outcome(failed=1, failures=[str(error)])
        print(f"{name:<44} {outcome}  ({time.monotonic() - started:.1f} s)", flush=True)
        if outcome.failed:
            for failure in outcome.failures:
                print(f"    FAILED {failure}")
            if self.log.exists():
                text = self.log.read_text(errors="replace").splitlines()
                print(f"    {self.log.relative_to(ROOT)}:")
                print("\n".join("    | " + line for line in text[-TAIL_LINES:]), flush=True)
        self.total += outcome
        return outcome.failed == 0

    def command(self, *words: str | Path, env: dict[str, str] | None = None) -> int:
        """Runs a command with its output appended to the step's log; returns its exit status."""
        with self.log.open("ab") as log:
            log.write(f"$ {shlex.join(map(str, words))}\n".encode())
            log.flush()
            return subprocess.run(
                [str(word) for word in words],
                cwd=ROOT, env=os.environ | (env or {}), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, timeout=STEP_SECONDS_MAX, check=False,
            ).returncode  # fmt: skip

    def check(self, *words: str | Path, env: dict[str, str] | None = None) -> Outcome:
        """A command that is one test: its exit status says whether it passed."""
        if self.command(*words, env=env) == 0:
            return Outcome(passed=1)
        return Outcome(failed=1, failures=[shlex.join(map(str, words))[:200]])


def read_junit(path: Path, status: int) -> Outcome:
    """Counts the cases of a JUnit file; failing without naming one is a failure too."""
    outcome = Outcome()
    if path.exists():
        for case in ElementTree.parse(path).iter("testcase"):
            kinds = {child.tag for child in case}
            if kinds & {"failure", "error"}:
                outcome.failed += 1
                outcome.failures.append(
                    f"{case.get('classname', '')} {case.get('name', '')}".strip()
                )
            elif "skipped" in kinds:
                outcome.skipped += 1
            else:
                outcome.passed += 1
    if status != 0 and outcome.failed == 0:
        outcome.failed += 1
        outcome.failures.append(f"the runner ended with status {status}")
    return outcome


# --- builds ---


def configure(run: Run, build: Path, *options: str, env: dict[str, str] | None = None) -> bool:
    if (build / "build.ninja").exists():
        return True
    shutil.rmtree(build, ignore_errors=True)
    return run.command("meson", "setup", build, ROOT, *options, env=env) == 0


def ninja(run: Run, build: Path, *targets: str) -> Outcome:
    """A build that succeeds is no test; one that fails is a failed one."""
    if run.command("ninja", "-C", build, "-j", str(JOBS), *targets) == 0:
        return Outcome()
    return Outcome(failed=1, failures=[f"build in {build.name}"])


def build_sanitized(run: Run, sanitizer: Sanitizer) -> Outcome:
    options = [f"-Db_sanitize={sanitizer.meson}", "-Db_lundef=false"]
    options.append(f"-Doptimization={sanitizer.optimization}")
    # UBSan's vptr check opens a pipe to probe memory, and takes EMFILE for a bad object: the tests
    # that run out of descriptors would fail. ASan sees what it would find.
    ubsan = ["-fno-sanitize-recover=all", "-fno-sanitize=vptr"]
    compiler = ["-g1", *(ubsan if sanitizer is ASAN else [])]
    options += [f"-D{language}_args={' '.join(compiler)}" for language in ("c", "cpp")]
    if not configure(run, sanitizer.build, *options):
        return Outcome(failed=1, failures=[f"meson setup {sanitizer.build.name}"])
    return ninja(run, sanitizer.build)


# --- tests ---


def meson_tests(
    run: Run, build: Path, filters: Sequence[str], env: dict[str, str] | None = None
) -> Outcome:
    """Unit tests, conformance cases and fuzz replays: everything that Meson knows."""
    command: list[str | Path] = [
        "meson",
        "test",
        "-C",
        build,
        "--no-rebuild",
        "--num-processes",
        str(JOBS),
        "--timeout-multiplier",  # of half a minute: a busy machine runs a sanitized build slowly
        "4",
    ]
    known = json.loads((build / "meson-info" / "intro-tests.json").read_text())
    if filters:
        known = [test for test in known if test["protocol"] == "gtest"]
        spelt = {spelling for word in filters for spelling in (word, word.capitalize())}
        pattern = ":".join(f"*{word}*" for word in sorted(spelt))
        command += [
            f"--test-args=--gtest_filter={pattern}",
            *sorted({test["name"] for test in known}),
        ]
    if not known:
        return Outcome()
    junit = build / "meson-logs" / "testlog.junit.xml"
    junit.unlink(missing_ok=True)
    status = run.command(*command, env=env)
    outcome = read_junit(junit, status)
    if outcome.failed and (log := build / "meson-logs" / "testlog.txt").exists():
        with run.log.open("ab") as file:
            file.write(log.read_bytes())
    return outcome


def sanitized_tests(run: Run, sanitizer: Sanitizer) -> Outcome:
    return meson_tests(run, sanitizer.build, [], sanitizer.flags)


def pytest(
    run: Run, *arguments: str | Path, env: dict[str, str] | None = None, processes: int = JOBS
) -> Outcome:
    junit = run.log.with_suffix(".xml")
    junit.unlink(missing_ok=True)
    command: list[str | Path] = [sys.executable, "-m", "pytest", "-q", "-ra", f"--junitxml={junit}"]
    if processes > 1:
        command += ["-n", str(processes), "--dist", "loadfile"]
    status = run.command(*command, *arguments, env=env)
    return Outcome() if status == 5 else read_junit(junit, status)  # 5: none was selected


def functional(run: Run, *arguments: str | Path, sanitizer: Sanitizer | None = None) -> Outcome:
    """The functional tests on one build, whose binary $CPPCORN_BINARY names."""
    build = sanitizer.build if sanitizer else ROOT / "build"
    binary = build / "src" / "cppcorn"
    if not binary.exists():
        return Outcome(failed=1, failures=[f"there is no {binary.relative_to(ROOT)}"])
    env = {"CPPCORN_BINARY": str(binary), **(sanitizer.python_flags if sanitizer else {})}
    return pytest(run, "tests/functional", *arguments, env=env)


# --- checks ---


def tracked(*suffixes: str) -> list[str]:
    patterns = [f"*{suffix}" for suffix in suffixes]
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).exists()]


def clang_format(run: Run) -> Outcome:
    sources = tracked(".h", ".cc")
    return run.check(CLANG_FORMAT, "--dry-run", "--Werror", *sources)


def clang_tidy(run: Run) -> Outcome:
    """clang-tidy on every source of ours, with the flags it is built with."""
    database = json.loads((ROOT / "build" / "compile_commands.json").read_text())
    ours = tuple(str(ROOT / folder) + os.sep for folder in ("src", "protocols", "workers"))
    sources = {str((Path(entry["directory"]) / entry["file"]).resolve()) for entry in database}

    def tidy(source: str) -> tuple[str, subprocess.CompletedProcess[str]]:
        words = [
            CLANG_TIDY,
            "-p",
            str(ROOT / "build"),
            "--quiet",
            "--extra-arg=-Wno-unknown-warning-option",
            source,
        ]
        return source, subprocess.run(
            words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=STEP_SECONDS_MAX
        )

    outcome = Outcome()
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool, run.log.open("a") as log:
        for source, done in pool.map(
            tidy, sorted(name for name in sources if name.startswith(ours))
        ):
            if done.returncode == 0:
                outcome.passed += 1
            else:
                outcome.failed += 1
                outcome.failures.append(os.path.relpath(source, ROOT))
                log.write(done.stdout + done.stderr)
    return outcome


def python_checks(run: Run) -> list[tuple[str, Callable[[], Outcome]]]:
    module = [sys.executable, "-m"]
    return [
        ("ruff", lambda: run.check(*module, "ruff", "check", ".")),
        ("ruff format", lambda: run.check(*module, "ruff", "format", "--check", ".")),
        ("mypy", lambda: run.check(*module, "mypy")),
    ]


def lint(run: Run, *, everything: bool) -> None:
    run.step("layering", lambda: run.check(sys.executable, "tests/lint/layering.py"))
    run.step("layering can fail", lambda: pytest(run, "tests/lint", processes=1))
    if everything:
        run.step("clang-format", lambda: clang_format(run))
        for name, body in python_checks(run):
            run.step(name, body)
        run.step("clang-tidy", lambda: clang_tidy(run))


# --- commands ---


def filtered_tests(run: Run, words: Sequence[str]) -> None:
    """`./dev test WORD...`: the cases whose names contain a word; or pytest's paths and options."""
    env = {"CPPCORN_BINARY": str(ROOT / "build" / "src" / "cppcorn")}
    if any(word.startswith("-") or (ROOT / word.split("::")[0]).exists() for word in words):
        run.step("pytest", lambda: pytest(run, *words, env=env, processes=1))
        return
    run.step("unit and conformance", lambda: meson_tests(run, ROOT / "build", words))
    run.step("functional", lambda: functional(run, "-k", " or ".join(words)))


def all_tests(run: Run, *, everything: bool) -> None:
    """Every step runs, whatever happened to the ones before it."""
    run.step("unit, conformance, fuzz replay", lambda: meson_tests(run, ROOT / "build", []))
    quick = ("-m", "not chromium")
    threads = (*quick, "-k", "gthread or wsgi")  # the files of WSGI name no kind
    run.step("functional", lambda: functional(run, *quick))
    lint(run, everything=everything)

    if run.step("ASan+UBSan: build", lambda: build_sanitized(run, ASAN)):
        run.step("ASan+UBSan: unit, conformance, fuzz", lambda: sanitized_tests(run, ASAN))
        run.step("ASan+UBSan: functional", lambda: functional(run, *quick, sanitizer=ASAN))
    if not everything:
        return

    if run.step("TSan: build", lambda: build_sanitized(run, TSAN)):
        run.step("TSan: unit, conformance", lambda: sanitized_tests(run, TSAN))
        run.step("TSan: functional, threads", lambda: functional(run, *threads, sanitizer=TSAN))
    run.step("Chromium", lambda: functional(run, "-m", "chromium"))
    run.step("packaging", lambda: pytest(run, "tests/packaging", processes=1))


def command_test(arguments: Sequence[str]) -> int:
    everything = "--all" in arguments
    words = [word for word in arguments if word != "--all"]
    run = Run()
    if run.step("build", lambda: ninja(run, ROOT / "build")):
        if words:
            filtered_tests(run, words)
        else:
            all_tests(run, everything=everything)
    return report(run)


def command_lint(arguments: Sequence[str]) -> int:
    run = Run()
    lint(run, everything=True)
    return report(run)


def report(run: Run) -> int:
    if run.total.passed + run.total.failed == 0:
        run.total += Outcome(failed=1, failures=["no test was run"])
    if run.total.failed:
        print("\nfailed:\n" + "\n".join("  " + failure for failure in run.total.failures))
    print(run.total, flush=True)
    return 1 if run.total.failed else 0


def command_fuzz(arguments: Sequence[str]) -> int:
    """Each target, or the named one, for some seconds over its corpus and what was found before."""
    parser = argparse.ArgumentParser(prog="./dev fuzz")
    parser.add_argument("target", nargs="?")
    parser.add_argument("seconds", nargs="?", type=int, default=FUZZ_SECONDS)
    words = ["", *arguments] if arguments and arguments[0].isdigit() else list(arguments)
    options = parser.parse_args(words)

    run = Run()
    run.log = LOGS / "fuzz-build.log"
    build = ROOT / "build-fuzz"
    flags = [f"-D{language}_args=-fsanitize=fuzzer-no-link" for language in ("c", "cpp")]
    flags += ["-Dfuzz=true", "-Dpython=false", "-Db_sanitize=address,undefined", "-Db_lundef=false"]
    flags += ["-Dwerror=false"]  # the tests' build has the warnings
    compilers = {"CC": "clang-14", "CXX": "clang++-14"}
    if not configure(run, build, *flags, env=compilers) or ninja(run, build, "fuzzers").failed:
        print(run.log.read_text(errors="replace")[-5000:])
        return 1

    targets = sorted(path for path in (build / "tests" / "fuzz").glob("fuzz_*") if path.is_file())
    if options.target:
        targets = [path for path in targets if path.name == f"fuzz_{options.target}"]
    if not targets:
        print("no such fuzz target" if options.target else "there are no fuzz targets")
        return 1
    status = 0
    for target in targets:
        name = target.name.removeprefix("fuzz_")
        found = build / "found" / name
        found.mkdir(parents=True, exist_ok=True)
        print(
            f"--- {name}, {options.seconds} s; crashes go to {found.relative_to(ROOT)}", flush=True
        )
        seeds = ROOT / "tests" / "fuzz" / "corpus" / name
        dictionary = ROOT / "tests" / "fuzz" / f"{name}.dict"
        command = [str(target), str(found), *([str(seeds)] if seeds.is_dir() else [])]
        command += [
            f"-max_total_time={options.seconds}",
            f"-artifact_prefix={found}/",
            "-print_final_stats=1",
        ]
        command += [f"-dict={dictionary}"] if dictionary.exists() else []
        status |= subprocess.run(command, cwd=ROOT, check=False).returncode
    return 1 if status else 0


def main() -> int:
    commands = {"test": command_test, "lint": command_lint, "fuzz": command_fuzz}
    return commands[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
