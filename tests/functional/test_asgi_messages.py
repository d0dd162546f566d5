"""The ASGI engine: scope, receive and send, extensions, and applications that do not behave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Serve
from cppcorn_server import Server, wait_until
from http_client import Client, ConnectionEnded, request

APP = "asgi_cases:app"
APPS = Path(__file__).parents[1] / "apps"


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> str:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    return str(request.param)


@pytest.fixture
def cases(shared: Serve, loop: str) -> Server:
    return shared(APP, "--loop", loop, kind="asgi")


def ask(server: Server, target: str, **options: Any) -> Any:
    with Client(server) as client:
        response = client.get(target, **options)
        assert response.status == 200, response.body
        return json.loads(response.body)


def test_scope(cases: Server) -> None:
    with Client(cases) as client:
        client.send(
            b"PATCH /a%20b/%C3%A4%ff/scope-seen?x=%20&y HTTP/1.1\r\n"
            b"Host: example.org\r\nX-Two: 1\r\n"
            b"Accept: a\r\nx-two: 2\r\nX_Under: u\r\n\r\n"
        )
        seen = json.loads(client.read().body)
        port = client.socket.getsockname()[1]
    assert seen["type"] == ["str", "http"]
    assert seen["asgi"] == ["dict", {"version": "3.0", "spec_version": "2.5"}]
    assert seen["http_version"] == ["str", "1.1"]
    assert seen["method"] == ["str", "PATCH"]
    assert seen["scheme"] == ["str", "http"]
    assert seen["path"] == ["str", "/a b/ä\ufffd/scope-seen"]
    assert seen["raw_path"] == ["bytes", repr(b"/a%20b/%C3%A4%ff/scope-seen")]
    assert seen["query_string"] == ["bytes", repr(b"x=%20&y")]
    assert seen["root_path"] == ["str", ""]
    assert seen["client"][1] == ["127.0.0.1", port]
    assert seen["server"][1] == ["127.0.0.1", cases.port]
    names = ["http.response.early_hint", "http.response.pathsend", "http.response.zerocopysend"]
    assert sorted(seen["extensions"][1]) == names
    assert seen["all bytes"]
    assert seen["headers"] == [
        ["host", "example.org"],
        ["x-two", "1"],
        ["accept", "a"],
        ["x-two", "2"],
        ["x_under", "u"],
    ]


def test_scope_of_http_1_0(cases: Server) -> None:
    with Client(cases) as client:
        client.send(b"GET /scope-seen HTTP/1.0\r\n\r\n")
        seen = json.loads(client.read().body)
    assert seen["http_version"] == ["str", "1.0"]
    assert seen["query_string"] == ["bytes", "b''"]
    assert seen["headers"] == []


def test_root_path_is_put_before_the_path(shared: Serve) -> None:
    seen = ask(shared(APP, "--root-path", "/api", kind="asgi"), "/scope-seen")
    assert seen["root_path"][1] == "/api"
    assert seen["path"][1] == "/api/scope-seen"
    assert seen["raw_path"][1] == repr(b"/api/scope-seen")


def test_root_path_that_is_there_already(shared: Serve) -> None:
    server = shared(APP, "--root-path", "/api", "--root-path-in-target", kind="asgi")
    seen = ask(server, "/api/scope-seen")
    assert (seen["root_path"][1], seen["path"][1]) == ("/api", "/api/scope-seen")


def test_root_path_and_the_asterisk(shared: Serve) -> None:
    """OPTIONS * asks about the server, and "/api*" would be another resource."""
    server = shared("asgi_cases:shows_scope", "--root-path", "/api", kind="asgi")
    with Client(server) as client:
        seen = json.loads(client.exchange("OPTIONS", "*").body)
    assert (seen["path"][1], seen["raw_path"][1]) == ("*", repr(b"*"))


def test_state_is_copied_for_each_request(cases: Server) -> None:
    assert [ask(cases, "/state-is-copied") for _ in range(3)] == [2, 2, 2]


def test_wrong_messages_raise_in_the_app(cases: Server) -> None:
    with Client(cases) as client:
        response = client.get("/wrong-messages")
        assert response.header("x-kept") == "yes"
        seen = json.loads(response.body)
        assert ask(cases, "/state-is-copied") == 2
    wanted = {
        "not a dict": ("TypeError", "list"),
        "no type": ("ValueError", "type"),
        "type of type": ("TypeError", "int"),
        "unknown": ("RuntimeError", "http.nonsense"),
        "body first": ("RuntimeError", "http.response.start"),
        "trailers first": ("RuntimeError", "http.response.trailers"),
        "no status": ("ValueError", "status"),
        "status text": ("TypeError", "status"),
        "status range": ("ValueError", "status"),
        "status huge": ("ValueError", "status"),
        "headers number": ("TypeError", "headers"),
        "header str": ("TypeError", "name of header 0 must be bytes"),
        "value str": ("TypeError", "value of header 0 must be bytes"),
        "header triple": ("TypeError", "two items"),
        "header newline": ("ValueError", "header value"),
        "header name": ("ValueError", "header name"),
        "length": ("ValueError", "Content-Length"),
        "start twice": ("RuntimeError", "http.response.body"),
        "body str": ("TypeError", "body"),
        "file missing": ("FileNotFoundError", "/nowhere/at/all"),
        "file directory": ("ValueError", "regular"),
    }
    assert seen.keys() == wanted.keys()
    for name, (kind, text) in wanted.items():
        assert seen[name].startswith(kind) and text in seen[name], (name, seen[name])
    assert "complete" in cases.wait_event(event="after the end")["outcome"]
    assert cases.wait_event(event="then")["message"] == {"type": "http.disconnect"}


def test_a_refused_length_can_be_corrected(cases: Server) -> None:
    with Client(cases) as client:
        assert client.get("/lengths").body == b"x" * 20
    seen = cases.wait_event(event="lengths")["seen"]
    assert seen[0].startswith("RuntimeError") and "longer" in seen[0]
    assert seen[1].startswith("RuntimeError") and "shorter" in seen[1]


def test_several_tasks_may_wait_in_receive(cases: Server) -> None:
    with Client(cases) as client:
        assert json.loads(client.exchange("POST", "/several-wait", body=b"abcd").body) == "abcd"
    cases.wait_event(event="heard", messages=["http.disconnect"] * 2)


def test_a_wait_can_be_cancelled(cases: Server) -> None:
    assert ask(cases, "/cancelled-wait") == [True, True]


def test_the_app_runs_in_a_task(cases: Server) -> None:
    assert ask(cases, "/is-in-a-task") == {
        "same": True,
        "listed": True,
        "child": "child",
        "name": True,
        "frame": True,
        "repr": True,
    }


def test_debug_mode(serve: Serve, loop: str) -> None:
    """asyncio looks into the coroutines of its tasks then."""
    debug = {"PYTHONASYNCIODEBUG": "1", "PYTHONDEVMODE": "1"}
    server = serve(APP, "--loop", loop, kind="asgi", env=debug)
    for route in ("is-in-a-task", "cancelled-wait", "state-is-copied"):
        ask(server, f"/{route}")
    with Client(server) as client:
        assert client.get("/child-exits").status == 500
    assert ask(server, "/state-is-copied") == 2


def test_send_and_receive_may_be_kept(cases: Server) -> None:
    assert ask(cases, "/keep") == "kept"
    sent, received = ask(cases, "/use-kept")
    assert sent.startswith("RuntimeError") and "over" in sent
    assert received == "http.disconnect"


def test_other_threads_are_refused(cases: Server) -> None:
    seen = ask(cases, "/other-thread")
    assert len(seen) == 3 and all("thread" in text for text in seen)


@pytest.mark.parametrize(
    "route",
    [
        "system-exit",
        "keyboard-interrupt",
        "child-exits",
        "cancel-itself",
        "forgets-to-start",
        "not-awaitable",
    ],
)
def test_a_request_that_fails(cases: Server, route: str) -> None:
    log = len(cases.log)
    with Client(cases) as client:
        assert client.get(f"/{route}").status == 500
    cases.wait_log(rf"\[GET /{route}\]", after=log)
    assert ask(cases, "/state-is-copied") == 2


@pytest.mark.parametrize(
    "route,status,said",
    [("child-exits", 500, "SystemExit in a task"), ("callback-exits", 200, "SystemExit in a task")],
)
def test_an_exit_hurts_nobody_else(cases: Server, route: str, status: int, said: str) -> None:
    """asyncio lets SystemExit out of a task's step and out of the loop; the worker stays."""
    log, before = len(cases.log), len(cases.events())
    with Client(cases) as waiting, Client(cases) as client:
        waiting.send(request(target="/waits"))
        wait_until(lambda: cases.events()[before:], "the other request")
        assert client.get(f"/{route}").status == status
        assert ask(cases, "/release") == "done"
        assert json.loads(waiting.read().body) == "released"
    cases.wait_log(said, after=log)


def test_an_app_may_cancel_every_task(serve: Serve, loop: str) -> None:
    server = serve(APP, "--loop", loop, "--lifespan", "off", kind="asgi")
    assert ask(server, "/cancel-all") == "cancelled"
    assert ask(server, "/is-in-a-task")["same"]


@pytest.mark.parametrize("how", ["close", "reset", "half_close"])
def test_a_task_is_cancelled_some_time_after_its_client_went(
    serve: Serve, loop: str, how: str
) -> None:
    options = ["--loop", loop, "--asgi-disconnect-grace-period", "0.1"]
    server = serve(APP, *options, kind="asgi")
    with Client(server) as client:
        client.send(request(target="/hear-cancellation"))
        server.wait_event(event="working")
        getattr(client, how)()
        server.wait_event(event="cancelled")
    server.wait_log("cancelled before its response was complete")


def test_a_task_goes_on_without_its_client(serve: Serve, loop: str) -> None:
    """That is the default: what was begun may be finished."""
    server = serve(APP, "--loop", loop, kind="asgi")
    with Client(server) as client:
        client.send(request(target="/waits"))
        server.wait_event(event="waiting")
    assert ask(server, "/release") == "done"
    assert "cancelled" not in server.log


def test_a_response_without_an_end(cases: Server) -> None:
    log = len(cases.log)
    with Client(cases) as client, pytest.raises(ConnectionEnded):
        client.get("/forgets-to-end")
    cases.wait_log(r"without completing its response \[GET /forgets-to-end\]", after=log)


def test_the_loop_cannot_be_stopped_or_closed(cases: Server) -> None:
    assert ask(cases, "/stop-the-loop").startswith("RuntimeError")
    assert ask(cases, "/state-is-copied") == 2


@pytest.mark.parametrize("route", ["close-watched-fd", "delete-in-del"])
def test_nasty_apps(shared: Serve, route: str) -> None:
    server = shared(APP, kind="asgi")
    assert ask(server, f"/{route}") == "alive"
    assert ask(server, "/state-is-copied") == 2


def test_send_raises_once_the_client_is_gone(cases: Server) -> None:
    log = len(cases.log)
    with Client(cases) as client:
        client.send(request(target="/streams-for-ever"))
        client.read_head()
        client.reset()
    gone = cases.wait_event(event="gone")
    assert gone["type"] == "ClientDisconnected" and gone["then"] == "http.disconnect"
    assert ask(cases, "/state-is-copied") == 2
    assert "Exception" not in cases.log[log:]


@pytest.mark.parametrize("how", ["close", "reset", "half_close"])
def test_an_app_may_return_when_its_client_is_gone(cases: Server, how: str) -> None:
    log, before = len(cases.log), len(cases.events())
    with Client(cases) as client:
        client.send(request(target="/event-stream"))
        client.read_head()
        getattr(client, how)()
        wait_until(lambda: cases.events()[before:], "the app to be told")
    assert ask(cases, "/state-is-copied") == 2
    assert "without completing" not in cases.log[log:]


def test_send_waits_for_a_client_that_does_not_read(serve: Serve, loop: str) -> None:
    server = serve(APP, "--loop", loop, kind="asgi")
    with Client(server, receive_buffer=4096) as client:
        client.send(request(target="/streams-for-ever"))
        client.read_head()
        settled = [-1]

        def settles() -> bool:
            with Client(server) as other:
                other.get("/state-is-copied")
            sent = [event["blocks"] for event in server.events() if event["event"] == "sent"]
            # The kernel takes some megabytes; what matters is that it ends. 64 blocks are 4 MiB.
            same = settled[0] == len(sent)
            settled[0] = len(sent)
            return same

        wait_until(settles, "the app to be stopped")
        assert settled[0] * 4 < 64, "64 MiB were taken from the app for a client that reads nothing"
        client.reset()
    server.wait_event(event="gone")


def test_early_hints(cases: Server) -> None:
    with Client(cases) as client:
        response = client.get("/early-hint")
        assert [r.status for r in response.informational] == [103, 103]
        assert response.informational[0].header("link") == "</a.css>; rel=preload"
        assert response.header("x-late") == "1"
        assert response.body.startswith(b"ValueError")


@pytest.mark.parametrize("accepts", [True, False])
def test_trailers(cases: Server, accepts: bool) -> None:
    with Client(cases) as client:
        headers = [("TE", "trailers")] if accepts else []
        response = client.get("/trailers", headers)
        assert response.body == str(accepts).encode()
        assert response.trailers == ([("x-sum", "1"), ("x-more", "2")] if accepts else [])
        assert client.get("/state-is-copied").status == 200
    wrong = cases.wait_event(event="body behind the body")["outcome"]
    assert "http.response.trailers" in wrong


def test_path_send(cases: Server) -> None:
    content = (APPS / "asgi_cases.py").read_bytes()
    with Client(cases) as client:
        assert client.get("/path-send").body == content
        client.send(request("HEAD", "/path-send"))
        assert client.read("HEAD").header("content-length") == str(len(content))
        assert client.get("/state-is-copied").status == 200


def test_zero_copy_send(cases: Server) -> None:
    with Client(cases) as client:
        assert client.get("/zero-copy-send").body == b"[234" + b"0" + b"89" + b"56789" + b"]OSError"


@pytest.mark.parametrize("options", [[], ["--reset-contextvars"]])
def test_context_variables(shared: Serve, options: list[str]) -> None:
    server = shared("starlette_site:app", *options, kind="asgi")
    wanted = "unset" if options else "set at start"
    for _ in range(2):
        assert ask(server, "/context") == {"lifespan": wanted, "request": "unset"}


def test_nothing_is_left_of_requests(serve: Serve, loop: str) -> None:
    server = serve(APP, "--loop", loop, kind="asgi")

    def use() -> None:
        for route in (
            "keep",
            "several-wait",
            "wrong-messages",
            "cancelled-wait",
            "scope-seen",
        ) * 20:
            with Client(server) as client:
                client.exchange("POST", f"/{route}", body=b"some")

    use()
    before = ask(server, "/objects")
    use()
    # A hundred requests that left one object each would show.
    assert ask(server, "/objects") - before < 50
