"""Where the master listens: every form of -b, what is in the way, and what is left behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
from pathlib import Path

import pytest
from cppcorn_server import wait_until
from master_harness import RunMaster, elapsed


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# --- Forms ---


def test_a_given_port(run_master: RunMaster) -> None:
    port = free_port()
    master = run_master(bind=f"127.0.0.1:{port}").wait_ready()
    assert master.urls == [f"http://127.0.0.1:{port}"]
    assert master.ask() in master.ready_pids


def test_a_host_name(run_master: RunMaster) -> None:
    master = run_master(bind="localhost:0").wait_ready()
    assert master.urls[0].startswith("http://127.0.0.1:")
    assert master.ask() in master.ready_pids


@needs_ipv6
def test_ipv6(run_master: RunMaster) -> None:
    master = run_master(bind="[::1]:0").wait_ready()
    assert master.urls[0].startswith("http://[::1]:")
    assert master.ask() in master.ready_pids


@needs_ipv6
def test_every_address_of_both_families_on_one_port(run_master: RunMaster) -> None:
    port = free_port()
    master = run_master(
        "hello.ready.serve", "-b", f"[::]:{port}", bind=f"0.0.0.0:{port}"
    ).wait_ready()
    assert master.urls == [f"http://0.0.0.0:{port}", f"http://[::]:{port}"]
    for url in (f"http://127.0.0.1:{port}", f"http://[::1]:{port}"):
        assert master.ask(url) in master.ready_pids


def test_several(run_master: RunMaster, tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    arguments = ["-b", "localhost:0", "-b", f"unix:{path}"]
    master = run_master("hello.ready.serve", *arguments, "-w", "2").wait_ready(2)
    assert len(master.urls) == 3 and master.urls[2] == f"unix:{path}"
    for url in master.urls:
        assert master.ask(url) in master.ready_pids


def test_any_port_several_times(run_master: RunMaster) -> None:
    """Each is a port of its own."""
    master = run_master("hello.ready.serve", "-b", "127.0.0.1:0", bind="127.0.0.1:0").wait_ready()
    assert len(set(master.urls)) == 2
    for url in master.urls:
        assert master.ask(url) in master.ready_pids


def test_a_restart_takes_the_port_at_once(run_master: RunMaster) -> None:
    """Connections of the predecessor in TIME_WAIT are in nobody's way."""
    port = free_port()
    first = run_master(bind=f"127.0.0.1:{port}").wait_ready()
    first.ask()
    assert first.stop() == 0
    assert "trying again" not in run_master(bind=f"127.0.0.1:{port}").wait_ready().log


# --- Unix sockets ---


def test_a_unix_socket_comes_and_goes(run_master: RunMaster, tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    master = run_master(bind=f"unix:{path}").wait_ready()
    assert master.urls == [f"unix:{path}"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o777
    assert master.ask() in master.ready_pids
    assert master.stop() == 0
    assert not path.exists()


def test_a_stale_unix_socket_is_replaced(run_master: RunMaster, tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    first = run_master(bind=f"unix:{path}").wait_ready()
    first.process.kill()
    first.wait_exit()
    wait_until(lambda: not first.session_members(), "the workers to be gone")
    assert path.is_socket()
    master = run_master(bind=f"unix:{path}").wait_ready()
    assert master.ask() in master.ready_pids
    assert "trying again" not in master.log


def test_a_successors_unix_socket_is_left_alone(run_master: RunMaster, tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    master = run_master(bind=f"unix:{path}").wait_ready()
    path.unlink()
    with socket.socket(socket.AF_UNIX) as successor:
        successor.bind(str(path))
        assert master.stop() == 0
        assert path.is_socket()


def test_a_unix_socket_in_use_is_not_taken_away(run_master: RunMaster, tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    first = run_master(bind=f"unix:{path}").wait_ready()
    second = run_master(bind=f"unix:{path}")
    assert second.wait_exit() == 1
    assert "in use" in second.log
    assert first.ask() in first.ready_pids


def test_a_file_that_is_no_socket_stays(run_master: RunMaster, tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    path.write_text("precious")
    master = run_master(bind=f"unix:{path}")
    assert master.wait_exit() == 1
    assert path.read_text() == "precious" and "no socket" in master.log


def test_a_relative_path_is_removed_too(run_master: RunMaster, tmp_path: Path) -> None:
    master = run_master(bind="unix:a.sock", cwd=tmp_path).wait_ready()
    assert (tmp_path / "a.sock").is_socket()
    assert master.stop() == 0
    assert not (tmp_path / "a.sock").exists()


def test_a_path_that_is_too_long(run_master: RunMaster, tmp_path: Path) -> None:
    master = run_master(bind=f"unix:{tmp_path / ('x' * 120)}")
    assert master.wait_exit() == 2
    assert "at most 107 bytes" in master.log


# --- Inherited descriptors ---


def test_fd(run_master: RunMaster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fd = listener.fileno()
        master = run_master(bind=f"fd://{fd}", pass_fds=(fd,)).wait_ready()
        port = listener.getsockname()[1]
        assert master.urls == [f"http://127.0.0.1:{port}"]
        assert master.ask() in master.ready_pids
        # The number that it had is not inherited beside the one that it gets.
        listening = [
            link
            for link in Path(f"/proc/{master.ready_pids[0]}/fd").iterdir()
            if os.stat(link).st_ino == os.fstat(fd).st_ino
        ]
        assert len(listening) == 1
        assert master.stop() == 0
        # Whoever holds the socket goes on: the next server finds it open.
        assert run_master(bind=f"fd://{fd}", pass_fds=(fd,)).wait_ready().ask()


def test_fd_3_which_is_the_channels_number_in_workers(run_master: RunMaster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        script = f'exec 3<&{listener.fileno()}; exec "$@"'
        master = run_master(
            bind="fd://3", pass_fds=(listener.fileno(),), prefix=("bash", "-c", script, "bash")
        ).wait_ready()
        assert master.ask() in master.ready_pids


def test_an_inherited_unix_socket_stays(run_master: RunMaster, tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        fd = listener.fileno()
        master = run_master(bind=f"fd://{fd}", pass_fds=(fd,)).wait_ready()
        assert master.urls == [f"unix:{path}"]
        assert master.ask() in master.ready_pids
        assert master.stop() == 0
        assert path.is_socket()


@pytest.mark.parametrize("what", ["nothing", "a file", "not listening", "UDP"])
def test_an_fd_that_is_no_listening_socket(
    run_master: RunMaster, what: str, tmp_path: Path
) -> None:
    kinds = {"UDP": socket.SOCK_DGRAM, "not listening": socket.SOCK_STREAM}
    (tmp_path / "file").touch()
    with (
        socket.socket(type=kinds.get(what, socket.SOCK_STREAM)) as plain,
        (tmp_path / "file").open() as file,
    ):
        fd = {"nothing": 99, "a file": file.fileno()}.get(what, plain.fileno())
        master = run_master(bind=f"fd://{fd}", pass_fds=() if what == "nothing" else (fd,))
        assert master.wait_exit() == 1
    assert f"cannot listen at fd://{fd}" in master.log


# --- What is in the way ---


def test_an_address_in_use(run_master: RunMaster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        master = run_master(bind=f"127.0.0.1:{other.getsockname()[1]}")
        assert 4 < elapsed(master.wait_exit) < 20
        assert master.process.returncode == 1
    assert master.log.count("trying again in a second") == 5
    assert master.log.count("CRITICAL") == 1 and "in use" in master.log
    assert not master.booted_pids


@pytest.mark.parametrize("name", ["TERM", "INT", "QUIT"])
def test_an_end_while_an_address_is_waited_for(
    run_master: RunMaster, tmp_path: Path, name: str
) -> None:
    """Is one as any other, and leaves no socket file behind."""
    path = tmp_path / "a.sock"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        master = run_master("hello.ready.serve", "-b", f"127.0.0.1:{port}", bind=f"unix:{path}")
        master.wait_log("trying again")
        assert path.is_socket()
        master.send(signal.SIGHUP)  # which is for later, and must not end anything here either
        assert master.stop(getattr(signal, f"SIG{name}")) == 0
    assert master.log.count("trying again") < 5, "it waited on"
    assert not path.exists()
    assert f"Handling signal: {name}" in master.log and not master.booted_pids


def test_an_address_that_becomes_free(run_master: RunMaster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        master = run_master(bind=f"127.0.0.1:{other.getsockname()[1]}")
        master.wait_log("trying again")
    master.wait_ready()


def test_an_address_of_another_machine(run_master: RunMaster) -> None:
    master = run_master(bind="192.0.2.1:8000")
    assert master.wait_exit() == 1
    assert "cannot listen at 192.0.2.1:8000: this machine has no such address" in master.log


def test_a_name_that_nobody_knows(run_master: RunMaster) -> None:
    master = run_master(bind="no-such-host.invalid:8000")
    assert master.wait_exit() == 1
    assert "cannot listen at no-such-host.invalid:8000" in master.log


def test_a_folder_that_is_not_there(run_master: RunMaster) -> None:
    master = run_master(bind="unix:/nowhere/a.sock")
    assert master.wait_exit() == 1
    assert "cannot listen at unix:/nowhere/a.sock: No such file or directory" in master.log
