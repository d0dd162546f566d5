"""The master and its workers: start, respawn, failures, ends, with fake workers."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cppcorn_server import find_binary, wait_until
from master_harness import RunMaster, elapsed, is_gone

# --- The start ---


def test_workers_get_what_they_need(run_master: RunMaster) -> None:
    master = run_master("hello.ready.serve", "-w", "3", "--graceful-timeout", "7").wait_ready(3)
    starts = master.events("start")
    assert {one["start"]["worker_number"] for one in starts} == {1, 2, 3}
    for one in starts:
        start = one["start"]
        assert start["protocol"] == 1 and start["check"] is False
        assert start["master_pid"] == master.pid and start["generation"] == 1
        assert start["graceful_timeout_ms"] == 7000
        assert start["settings"]["wsgi_app"] == "fake:app"
        assert [listener["url"] for listener in start["listeners"]] == master.urls
        assert one["pid"] in master.booted_pids


def test_the_log_says_what_runs(run_master: RunMaster) -> None:
    log = run_master().wait_ready().log
    assert re.search(r"Starting cppcorn \d+\.\d+\.\d+$", log, re.MULTILINE)
    assert re.search(r"Listening at: http://127\.0\.0\.1:[1-9]\d* \(\d+\)$", log, re.MULTILINE)
    assert log.count("Using worker: fake (it is a test)") == 1


def test_every_worker_serves_and_is_found_by_its_pid(run_master: RunMaster) -> None:
    master = run_master("hello.ready.serve", "-w", "2").wait_ready(2)
    seen: set[int] = set()

    def both() -> bool:
        seen.add(master.ask())
        return seen == set(master.ready_pids)

    wait_until(both, "both workers to answer")


def test_nothing_leaks_into_workers(run_master: RunMaster) -> None:
    master = run_master("hello.ready.serve", "-w", "2").wait_ready(2)
    for pid in master.ready_pids:
        fds = {int(fd.name) for fd in Path(f"/proc/{pid}/fd").iterdir()}
        # 0 to 2, the control channel, one listener; Python opens none of its own at rest.
        assert fds == {0, 1, 2, 3, 4}


def test_the_interpreter_beside_a_link_to_the_binary(run_master: RunMaster, tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "python3").symlink_to(sys.executable)
    (tmp_path / "venv" / "cppcorn").symlink_to(find_binary())
    master = run_master(python=None, executable=str(tmp_path / "venv" / "cppcorn")).wait_ready()
    cmdline = Path(f"/proc/{master.ready_pids[0]}/cmdline").read_bytes().split(b"\0")
    assert cmdline[0].decode() == str(tmp_path / "venv" / "python3")
    assert b"cppcorn.worker" in cmdline


def test_a_package_that_the_users_file_would_hide(run_master: RunMaster, tmp_path: Path) -> None:
    """cppcorn.py in the current directory is not the package cppcorn."""
    (tmp_path / "cppcorn.py").write_text("raise SystemExit('wrong')")
    run_master(cwd=tmp_path).wait_ready()


def test_chdir(run_master: RunMaster, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    master = run_master(
        "hello.ready.serve", "--chdir", "site", bind="unix:a.sock", cwd=tmp_path
    ).wait_ready()
    start = master.events("start")[0]
    assert start["cwd"] == start["start"]["settings"]["chdir"] == str(tmp_path / "site")
    assert (tmp_path / "site" / "a.sock").is_socket()


def test_a_chdir_that_is_not_there(run_master: RunMaster) -> None:
    master = run_master("hello", "--chdir", "/nowhere")
    assert master.wait_exit() == 2
    assert "--chdir" in master.log and "/nowhere" in master.log


def test_an_interpreter_that_is_not_there(run_master: RunMaster) -> None:
    master = run_master(python="/nowhere/python3")
    assert master.wait_exit() == 2
    assert "--python" in master.log and "/nowhere/python3" in master.log


def test_closed_standard_descriptors(run_master: RunMaster) -> None:
    """A socket must not become a worker's standard input or a log."""
    master = run_master(prefix=("sh", "-c", 'exec "$@" <&- >&-', "sh")).wait_ready()
    assert master.ask() in master.ready_pids


# --- The first start fails ---


def test_an_app_that_cannot_be_loaded_ends_with_4(run_master: RunMaster) -> None:
    master = run_master("hello.appfail_gone", "-w", "4")
    assert master.wait_exit() == 4
    assert master.log.count("Traceback (fake)") == 1


def test_a_failed_boot_ends_with_3(run_master: RunMaster) -> None:
    master = run_master("hello.bootfail", "-w", "2")
    assert master.wait_exit() == 3
    assert "lifespan says no" in master.log


def test_another_protocol_ends_with_3(run_master: RunMaster) -> None:
    master = run_master("hello_99.serve")
    assert master.wait_exit() == 3
    assert "protocol 99" in master.log and "protocol 1" in master.log


@pytest.mark.parametrize(
    "steps,said",
    [
        ("exit_1", "exited with code 1"),
        ("hello.exit_0", "exited with code 0"),
        ("hello.die_11", "killed by SIGSEGV"),
        ("hello.die_9", "killed by SIGKILL: perhaps out of memory?"),
    ],
)
def test_a_crash_loop_at_the_first_start_ends_with_3(
    run_master: RunMaster, steps: str, said: str
) -> None:
    master = run_master(steps, "-w", "2")
    assert master.wait_exit() == 3
    assert said in master.log
    assert 3 <= len(master.booted_pids) <= 6
    assert master.log.count("shutting down") == 1


def test_an_interpreter_without_the_package(run_master: RunMaster, tmp_path: Path) -> None:
    master = run_master(env={"PYTHONPATH": str(tmp_path)}, python="/usr/bin/python3")
    assert master.wait_exit() == 3
    assert "No module named" in master.log and "/usr/bin/python3" in master.log


def test_a_failed_worker_that_does_not_end_is_killed(run_master: RunMaster) -> None:
    master = run_master("hello.linger")
    assert master.wait_exit() == 4
    assert "is killed" in master.log


def test_other_workers_end_when_one_cannot_start(run_master: RunMaster) -> None:
    master = run_master("hello.once_bootfail.ignore", "-w", "3")
    assert master.wait_exit() == 3
    assert not master.session_members()


def test_a_start_that_hangs_ends_with_3(run_master: RunMaster) -> None:
    master = run_master("hello.ignore", "--worker-boot-timeout", "1")
    assert 0.9 < elapsed(master.wait_exit) < 15
    assert master.process.returncode == 3
    assert "is not ready after 0.5 s; --worker-boot-timeout allows 1 s" in master.log
    assert "failed: not ready after 1 s (--worker-boot-timeout)" in master.log


def test_timeout_0_lets_a_start_take_its_time(run_master: RunMaster) -> None:
    """gunicorn's name for it."""
    master = run_master("hello.wait_700.ready.serve", "--timeout", "0").wait_ready()
    start = master.events("start")[0]["start"]
    assert start["settings"]["worker_boot_timeout"] == "0"


# --- Later failures ---


def test_a_killed_worker_is_replaced_at_once(run_master: RunMaster) -> None:
    master = run_master("hello.ready.serve", "-w", "2").wait_ready(2)
    victim, survivor = master.ready_pids
    url = master.urls[0]
    assert elapsed(lambda: (os.kill(victim, signal.SIGKILL), master.wait_ready(3))) < 10
    assert "SIGKILL: perhaps out of memory?" in master.log
    assert "The next worker is started in" not in master.log
    successor = master.ready_pids[2]
    wait_until(lambda: master.ask(url) == successor, "the successor to serve")
    starts = {one["pid"]: one["start"]["worker_number"] for one in master.events("start")}
    assert starts[successor] == starts[victim] != starts[survivor]


def test_connections_wait_for_the_successor(run_master: RunMaster) -> None:
    master = run_master("hello.later_wait-300.ready.serve").wait_ready()
    os.kill(master.ready_pids[0], signal.SIGKILL)
    wait_until(lambda: is_gone(master.ready_pids[0]), "the worker to be gone")
    assert master.ask() == master.wait_ready(2).ready_pids[1]


def test_back_off_grows_and_is_bounded(run_master: RunMaster) -> None:
    master = run_master("hello.ready.later_exit-1.serve").wait_ready()
    os.kill(master.ready_pids[0], signal.SIGKILL)
    master.wait_log("The next worker is started in 2 s")
    delays = re.findall(r"The next worker is started in ([\d.]+) s", master.log)
    assert delays == ["0.5", "1", "2"]
    times = [one["time"] for one in master.events("start")][1:]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps[0] >= 0.5 and gaps[1] >= 1.0


def test_an_app_that_breaks_later_is_tried_again_and_said_once(run_master: RunMaster) -> None:
    """The other worker goes on serving."""
    master = run_master("hello.later_wait-100.later_appfail.ready.serve", "-w", "1").wait_ready()
    os.kill(master.ready_pids[0], signal.SIGKILL)
    master.wait_log("failed as the one before", 2)
    assert master.log.count("Traceback (fake)") == 1
    assert master.process.poll() is None
    assert master.stop() == 0


def test_a_worker_that_ends_by_itself_is_replaced(run_master: RunMaster) -> None:
    """As by a TERM of its own: it says bye, and nothing is wrong."""
    master = run_master("hello.ready.once_bye.serve").wait_ready(2)
    assert "ERROR" not in master.log and "started in" not in master.log


def test_a_successor_that_hangs_is_tried_again(run_master: RunMaster) -> None:
    """Once the server has served it goes on trying."""
    master = run_master("hello.later_ignore.ready.serve", "--worker-boot-timeout", "3").wait_ready()
    os.kill(master.ready_pids[0], signal.SIGKILL)
    master.wait_log("The next worker is started in 0.5 s")
    assert "failed: not ready after 3 s" in master.log
    assert master.process.poll() is None


def test_workers_that_end_by_themselves_at_once_are_not_started_without_pause(
    run_master: RunMaster,
) -> None:
    master = run_master("hello.ready.bye").wait_ready()
    master.wait_log("The next worker is started in 0.5 s")
    assert "ERROR" not in master.log


def test_nonsense_ends_that_worker_only(run_master: RunMaster) -> None:
    master = run_master("hello.ready.once_nonsense.serve", "-w", "2").wait_ready(3)
    assert "makes no sense" in master.log
    assert master.stop() == 0


def test_a_zombie_that_was_inherited_is_reaped(run_master: RunMaster) -> None:
    """As process 1, or started by `exec` in a script: children that are not its own."""
    master = run_master(prefix=("sh", "-c", 'sleep 0.2 & exec "$@"', "sh")).wait_ready()
    children = Path(f"/proc/{master.pid}/task/{master.pid}/children")
    wait_until(
        lambda: children.read_text().split() == [str(master.ready_pids[0])],
        "the strange child to be reaped",
    )
    os.kill(master.ready_pids[0], signal.SIGKILL)
    master.wait_ready(2)


# --- The end ---


def test_term_drains(run_master: RunMaster) -> None:
    master = run_master("hello.ready.serve", "-w", "2", "--graceful-timeout", "9").wait_ready(2)
    url = master.urls[0]
    assert master.stop(signal.SIGTERM) == 0
    assert [one["order"] for one in master.events("order")] == [
        {"type": "drain", "timeout_ms": 9000}
    ] * 2
    assert "Handling signal: TERM" in master.log and master.log.count("Worker exited") == 2
    assert master.refuses(url)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_int_and_quit_stop(run_master: RunMaster, number: signal.Signals) -> None:
    master = run_master("hello.ready.serve").wait_ready()
    assert master.stop(number) == 0
    assert [one["order"] for one in master.events("order")] == [{"type": "stop"}]


def test_what_does_not_end_is_killed_and_named(run_master: RunMaster) -> None:
    master = run_master("hello.ready.ignore", "--graceful-timeout", "0").wait_ready()
    assert master.stop(signal.SIGTERM) == 0
    assert f"Worker (pid: {master.ready_pids[0]}) has not ended in time and is killed" in master.log
    assert "out of memory" not in master.log


def test_stop_waits_three_seconds_at_most(run_master: RunMaster) -> None:
    master = run_master("hello.ready.ignore").wait_ready()
    assert 2 < elapsed(lambda: master.stop(signal.SIGINT)) < 15
    assert "is killed" in master.log


@pytest.mark.parametrize(
    "first,second",
    [
        (signal.SIGTERM, signal.SIGINT),
        (signal.SIGTERM, signal.SIGQUIT),
        (signal.SIGINT, signal.SIGINT),
        (signal.SIGQUIT, signal.SIGTERM),
    ],
)
def test_a_second_signal_kills(
    run_master: RunMaster, first: signal.Signals, second: signal.Signals
) -> None:
    master = run_master("hello.ready.ignore", "-w", "2").wait_ready(2)
    master.send(first)
    wait_until(lambda: len(master.events("order")) == 2, "the orders")
    assert elapsed(lambda: master.stop(second)) < 2
    assert master.process.returncode == 0
    assert "workers are killed" in master.log


def test_term_twice_at_once_is_one_and_later_kills(run_master: RunMaster) -> None:
    """To the process group, and passed on by a parent: that is still one wish."""
    master = run_master("hello.ready.ignore").wait_ready()
    master.send(signal.SIGTERM)
    wait_until(lambda: master.events("order"), "the order")
    master.send(signal.SIGTERM)
    time.sleep(1.1)  # what tells the two cases apart is nothing but time
    assert master.process.poll() is None and "workers are killed" not in master.log
    assert master.stop(signal.SIGTERM) == 0
    assert "workers are killed" in master.log


def test_term_before_any_worker_is_ready(run_master: RunMaster) -> None:
    master = run_master("hello.serve")
    wait_until(lambda: master.events("start"), "the start")
    assert master.stop() == 0


def test_term_while_a_respawn_waits(run_master: RunMaster) -> None:
    master = run_master("hello.ready.later_exit-1.serve").wait_ready()
    os.kill(master.ready_pids[0], signal.SIGKILL)
    master.wait_log("The next worker is started in 2 s")
    assert elapsed(lambda: master.stop()) < 1.5
    assert master.process.returncode == 0


def test_new_connections_are_refused_while_draining(run_master: RunMaster) -> None:
    """The master's copies are closed at once: when a worker's are too, nobody waits in vain."""
    master = run_master("hello.ready.serve.wait_3000").wait_ready()
    url = master.urls[0]
    master.send(signal.SIGTERM)
    wait_until(lambda: master.refuses(url), "connections to be refused")
    assert master.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_no_worker_outlives_the_master(run_master: RunMaster, number: signal.Signals) -> None:
    """Here by the channel's end alone; the rest is in the worker's own tests."""
    master = run_master("hello.ready.serve", "-w", "3").wait_ready(3)
    master.process.send_signal(number)
    master.wait_exit()
    wait_until(lambda: all(is_gone(pid) for pid in master.ready_pids), "the workers to be gone")


@pytest.mark.parametrize("name", ["HUP", "USR1", "USR2", "TTIN", "TTOU", "WINCH"])
def test_signals_of_later_releases_change_nothing(run_master: RunMaster, name: str) -> None:
    master = run_master().wait_ready()
    master.send(getattr(signal, f"SIG{name}"))
    master.wait_log(f"Signal {name} is not available in this release")
    assert master.ask() == master.ready_pids[0]
    assert master.stop() == 0


def test_ctrl_c_reaches_the_whole_group(run_master: RunMaster) -> None:
    master = run_master("hello.ready.serve", "-w", "2").wait_ready(2)
    os.killpg(master.pid, signal.SIGINT)
    assert master.wait_exit() == 0
    assert "ERROR" not in master.log


# --- What is not serving ---


def check(run_master: RunMaster, steps: str, *arguments: str) -> tuple[int, str, str]:
    master = run_master(steps, "--check-config", *arguments)
    output = master.process.communicate(timeout=30)[0].decode()
    return master.process.returncode, output, master.log


def test_check_config(run_master: RunMaster) -> None:
    code, output, log = check(run_master, "hello.ready")
    assert (code, log) == (0, "")
    assert "fake:app" in output and "it is a test" in output


def test_check_config_tells_the_worker(run_master: RunMaster) -> None:
    master = run_master("hello.ready", "--check-config")
    assert master.wait_exit() == 0
    start = master.events("start")[0]["start"]
    assert start["check"] is True and start["listeners"] == []


@pytest.mark.parametrize(
    "steps,code,said",
    [
        ("hello.appfail_gone", 4, "Traceback (fake)"),
        ("hello.bootfail", 3, "lifespan says no"),
        ("hello.die_11", 3, "SIGSEGV"),
    ],
)
def test_check_config_fails(run_master: RunMaster, steps: str, code: int, said: str) -> None:
    got, output, log = check(run_master, steps)
    assert (got, output) == (code, "")
    assert said in log


def test_check_config_does_not_wait_for_ever(run_master: RunMaster) -> None:
    code, output, log = check(run_master, "hello.ignore", "--worker-boot-timeout", "0.2")
    assert (code, output) == (3, "")
    assert "not ready after 0.2 s" in log


def test_check_config_looks_at_what_is_written(run_master: RunMaster, tmp_path: Path) -> None:
    code, output, log = check(
        run_master, "hello.ready", "--access-logfile", f"{tmp_path}/none/access.log"
    )
    assert (code, output) == (1, "")
    assert f"there is no folder {tmp_path}/none/; create it" in log
    error_log = tmp_path / "error.log"
    assert check(run_master, "hello.ready", "--error-logfile", str(error_log))[0] == 0
    assert not error_log.exists(), "a check leaves nothing behind"


def test_version_and_usage() -> None:
    binary = str(find_binary())
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"cppcorn \d+\.\d+\.\d+\n", version.stdout)
    wrong = subprocess.run(
        [binary, "--wokers", "3", "a:b"], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("cppcorn: ") and wrong.stderr.count("\n") == 1


def test_a_json_file(run_master: RunMaster, tmp_path: Path) -> None:
    (tmp_path / "site.json").write_text('{"workers": 2, "threads": 3}')
    master = run_master("hello.ready.serve", "-c", str(tmp_path / "site.json")).wait_ready(2)
    assert master.events("start")[0]["start"]["settings"]["threads"] in (3, "3")
