"""A request's task is an asyncio.Task in everything an application can see, whether it was made
before the request began or when something needed it (--asgi-lazy-tasks).
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import Serve
from cppcorn_server import Server
from http_client import Client

APP = "task_cases:app"
MODES = {"lazy": ["--asgi-lazy-tasks"], "whole": []}
CASES: dict[str, Any] = {
    "identity": [True] * 6,
    "names": [True, "mine"],
    "state-while-running": [False, False, 0, True, True],
    "attributes-of-the-app": 1,
    "weakly-kept": "mine",
    "future": "done",
    "finished-future": "done at once",
    "failing-future": "failed",
    "several-sleeps": [0, 1, 2],
    "a-sleep-after-a-look": ["called"],
    "a-child-within-a-timeout": ["child"],
    "order-of-waking-up": ["request", "child"],
    "a-loop-inside-of-a-step": "went on",
    "a-look-that-fails": "went on",
    "bad-yield": "Task got bad yie",
    "waiting-for-itself": "Task cannot await on it",
    "context": ["inside", "inside", "unset"],
    "cancelled-by-itself": [["by itself"], 1, 0],
    "cancelled-by-itself-then-asleep": "cancelled",
    "cancelled-from-outside": [["from outside"], True, 0],
    "cancelled-with-a-finished-future": ["cancelled", "done"],
    "cancelled-while-a-task-is-awaited": ["inner", "outer", True],
    "cancelled-from-outside-at-once": [True, "cancelled"],
    "cancelled-before-a-child-began": [],
    "shielded": "went on",
    "timeout": 0,
    "timeout-of-zero": "timed out",
    "wait-for": "timed out",
    "task-group": True,
    "anyio-deadline": True,
    "anyio-deadline-of-zero": True,
    "anyio-task-group": ["thread"],
    "anyio-current-task": [True, True],
}
# One request leaves what a later one looks at.
PAIRS: dict[tuple[str, str], Any] = {
    ("keep-task", "kept-task"): [True, None, None, False, None],
    ("keep-callback", "kept-callback"): [True],
    ("keep-task-that-cannot-be-made", "identity"): [True] * 6,
    ("keep-weakly", "kept-weakly"): ["died"],
    ("cancelled-after-its-answer", "kept-cancelled"): True,
    ("raising-cancelled-error", "kept-cancelled"): True,
}


@pytest.fixture(params=MODES)
def tasks_server(request: pytest.FixtureRequest, shared: Serve) -> Server:
    return shared(APP, *MODES[request.param], kind="asgi")


@pytest.mark.parametrize("case", CASES)
def test_a_task(tasks_server: Server, case: str) -> None:
    with Client(tasks_server, timeout_s=30) as client:
        assert json.loads(client.get(f"/{case}").body) == CASES[case], tasks_server.log


@pytest.mark.parametrize("first, second", PAIRS)
def test_a_task_that_outlives_its_request(tasks_server: Server, first: str, second: str) -> None:
    with Client(tasks_server, timeout_s=30) as client:
        client.get(f"/{first}")
        assert json.loads(client.get(f"/{second}").body) == PAIRS[first, second], tasks_server.log


def test_a_look_that_failed_ends_a_request_that_waits(shared: Serve) -> None:
    """It gets a 500 rather than waiting for ever; whole tasks never come to that."""
    server = shared(APP, *MODES["lazy"], kind="asgi")
    with Client(server, timeout_s=30) as client:
        assert client.get("/a-look-that-fails-and-a-wait").status == 500, server.log


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_the_loops(shared: Serve, mode: str, loop: str) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    server = shared(APP, "--loop", loop, *MODES[mode], kind="asgi")
    with Client(server, timeout_s=30) as client:
        for case in ("identity", "future", "cancelled-from-outside", "anyio-deadline-of-zero"):
            assert json.loads(client.get(f"/{case}").body) == CASES[case], server.log
