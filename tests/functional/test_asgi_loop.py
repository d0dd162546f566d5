"""asyncio over libuv: every feature of the standard library works in the worker's loop."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Serve
from cppcorn_server import Server, server_environment
from http_client import Client

APP = "loop_cases:app"
CASES = [
    "anyio-scopes",
    "calls-from-threads",
    "datagrams",
    "debug-mode",
    "descriptors-used-again",
    "exception-handler",
    "executor",
    "loop-signal-handler",
    "name-lookup",
    "pipes",
    "plain-signal-handler",
    "raw-sockets",
    "subprocess-with-pipes",
    "task-groups",
    "tcp-streams",
    "timeouts",
    "timers-in-order",
    "to-thread-with-context",
    "unix-streams",
]


@pytest.mark.parametrize("loop", ["auto", "asyncio", "uvloop"])
@pytest.mark.parametrize("case", CASES)
def test_asyncio(shared: Serve, loop: str, case: str) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    server = shared(APP, "--loop", loop, kind="asgi")
    with Client(server, timeout_s=30) as client:
        assert client.get(f"/{case}").body == b"passed", server.log


def test_regular_files_cannot_be_watched(shared: Serve) -> None:
    """As with the standard library's selector on epoll."""
    server = shared(APP, kind="asgi")
    with Client(server) as client:
        assert client.get("/regular-files-cannot-be-watched").body == b"passed", server.log


def test_an_idle_server_sleeps(shared: Serve) -> None:
    """No turns of the loop while nothing happens: the process uses no processor time."""
    server: Server = shared(APP, kind="asgi")
    with Client(server) as client:
        client.get("/timeouts")
        stat = Path(f"/proc/{server.worker_pids[0]}/stat")

        def ticks() -> int:
            fields = stat.read_text().rpartition(")")[2].split()
            return int(fields[11]) + int(fields[12])

        before = ticks()
        client.assert_quiet(0.5)
        assert ticks() - before <= 1


EXITS = """
import asyncio
from cppcorn._cppcorn import LoopDriver
from cppcorn.loop import UvEventLoop

driver = LoopDriver()
for kind in (KeyboardInterrupt, SystemExit):
    seen = []

    async def main():
        def leave():
            raise kind
        loop = asyncio.get_running_loop()
        loop.call_soon(leave)
        loop.call_soon(seen.append, 1)
        await asyncio.sleep(3600)

    loop = UvEventLoop(LoopDriver())
    task = loop.create_task(main())
    try:
        loop.run_until_complete(task)
    except kind:
        pass
    else:
        raise AssertionError("it stayed in the loop")
    assert not seen
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert seen == [1], "what was ready is kept"
    task.cancel()
    try:
        loop.run_until_complete(task)
    except asyncio.CancelledError:
        pass
    loop.close()
    loop.close()

with asyncio.Runner(loop_factory=lambda: UvEventLoop(driver), debug=True) as runner:
    assert runner.run(asyncio.sleep(0.01, "slept")) == "slept"
    assert runner.run(asyncio.to_thread(str, 1)) == "1"
print("passed")
"""


def test_exits_leave_the_loop_and_a_runner_runs_it(shared: Serve) -> None:
    server = shared(APP, kind="asgi")
    result = subprocess.run(
        [sys.executable, "-X", "dev", "-c", EXITS],
        env=server_environment(server.binary),
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert (result.returncode, result.stdout) == (0, "passed\n"), result.stderr
