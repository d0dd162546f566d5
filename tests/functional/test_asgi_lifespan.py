"""The lifespan protocol: who is served, who is not, and how it ends."""

from __future__ import annotations

import pytest
from conftest import Serve
from http_client import Client

BOOT_FAILED = 3


def served(server: object) -> bool:
    with Client(server) as client:  # type: ignore[arg-type]
        return client.get("/").body == b"served"


@pytest.mark.parametrize("name", ["raises", "returns"])
def test_auto_serves_without_lifespan(serve: Serve, name: str) -> None:
    assert served(serve(f"lifespan_cases:{name}", kind="asgi"))


@pytest.mark.parametrize("name", ["raises", "fails", "gives_up"])
def test_off_never_asks(serve: Serve, name: str) -> None:
    assert served(serve(f"lifespan_cases:{name}", "--lifespan", "off", kind="asgi"))


@pytest.mark.parametrize(
    "name,options,said",
    [
        ("raises", ["--lifespan", "on"], "ValueError: no lifespan here"),
        ("returns", ["--lifespan", "on"], "without completing start-up"),
        ("fails", ["--lifespan", "on"], "the database is away"),
        ("fails", [], "the database is away"),
        ("fails_and_loops", [], "the database is away"),
        ("gives_up", [], "SystemExit: not today"),
    ],
)
def test_a_failed_start_ends_the_server(
    serve: Serve, name: str, options: list[str], said: str
) -> None:
    server = serve(f"lifespan_cases:{name}", *options, kind="asgi", ready=False)
    server.expected_code = BOOT_FAILED
    assert server.process.wait(30) == BOOT_FAILED
    assert said in server.log


def test_wrong_messages_and_a_failed_shutdown(serve: Serve) -> None:
    server = serve("lifespan_cases:wrong_message", "--lifespan", "on", kind="asgi")
    assert served(server)
    assert "startup" in server.wait_event(event="refused")["text"]
    assert server.stop() == 0
    server.wait_event(event="told", type="lifespan.shutdown")
    assert "could not say goodbye" in server.log


def test_a_shutdown_that_hangs_is_cut(serve: Serve) -> None:
    server = serve("lifespan_cases:hangs_in_shutdown", "--graceful-timeout", "1", kind="asgi")
    assert served(server)
    server.stop()
    server.wait_event(event="cancelled")
    assert "shutdown took longer" in server.log


def test_a_lifespan_that_dies_later_is_said_and_the_rest_goes_on(serve: Serve) -> None:
    server = serve("lifespan_cases:dies_later", kind="asgi")
    server.wait_log("ValueError: deliberate")
    assert served(server)


def test_a_start_up_that_raises_is_said_and_served(serve: Serve) -> None:
    """The specification wants it served; that the application began its start-up makes it news."""
    server = serve("lifespan_cases:raises_in_startup", kind="asgi")
    assert served(server)
    assert "ValueError: no connection" in server.log


def test_an_order_to_end_cancels_a_start_up(serve: Serve) -> None:
    server = serve("lifespan_cases:hangs_in_startup", kind="asgi", ready=False)
    server.wait_event(event="starting")
    assert server.stop() == 0
    server.wait_event(event="cancelled")


def test_shutdown_is_said_once(serve: Serve) -> None:
    server = serve("lifespan_cases:loops_for_ever", kind="asgi")
    assert server.stop() == 0
    told = [event["type"] for event in server.events()]
    assert told == ["lifespan.startup", "lifespan.shutdown"]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_shutdown_that_cancels_every_task(serve: Serve, loop: str) -> None:
    """None of the server's own is among them, so the shutdown can complete."""
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    server = serve("lifespan_cases:cancels_all_in_shutdown", "--loop", loop, kind="asgi")
    assert served(server)
    assert server.stop() == 0
    assert server.wait_event(event="cancelled")["others"] == 0
    assert "Traceback" not in server.log
