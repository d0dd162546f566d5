"""The beginning and the end: start-up lines, the app's name, the choice of the worker kind,
draining.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Serve, common_app
from cppcorn_server import APPS, Server, find_binary, server_environment, wait_until
from http_client import Client, request

Connect = Callable[..., Client]


# --- Start-up lines ---


def test_the_start_says_what_runs_where(serve: Serve, kind: str) -> None:
    server = serve(kind=kind, workers=2)
    log = server.log
    assert f"Listening at: http://127.0.0.1:{server.port}" in log
    assert f"Using worker: {kind} (" in log
    assert len(set(server.worker_pids)) == 2
    assert server.pid not in server.worker_pids


@pytest.mark.parametrize(
    "app,chosen",
    [
        ("common_asgi:app", "asgi"),
        ("common_wsgi:app", "gthread"),
        ("flask_site:app", "gthread"),
        ("fastapi_site:app", "asgi"),
        ("starlette_site:app", "asgi"),
        ("quart_site:app", "asgi"),
        ("litestar_site:app", "asgi"),
        ("django_site.asgi:application", "asgi"),
        ("django_site.wsgi:application", "gthread"),
    ],
)
def test_the_apps_shape_decides(serve: Serve, connect: Connect, app: str, chosen: str) -> None:
    """Without -k; and the log says which, and why."""
    server = serve(app)
    assert connect(server).get("/").status == 200
    server.wait_log(rf"Using worker: {chosen} \(.+\)")


@pytest.mark.parametrize(
    "app,args,answer",
    [
        ("specs", [], "application"),
        ("specs:app", [], "app"),
        ("specs:api.app", [], "api.app"),
        ("specs:create_app()", [], "created default"),
        ('specs:create_app("x")', [], "created x"),
        ('specs:create_app("x", suffix="!")', [], "created x!"),
        ("specs:create_app", ["--factory"], "created default"),
    ],
)
def test_names_of_apps(
    serve: Serve, connect: Connect, app: str, args: list[str], answer: str
) -> None:
    assert connect(serve(app, *args)).get("/").text == answer


@pytest.mark.parametrize(
    "app,said",
    [
        ("no_such_module:app", "no_such_module"),
        ("specs:no_such_attribute", "no_such_attribute"),
        ("specs:number", "number|int"),
        ("broken:app", "RuntimeError: deliberate at import"),
        ("specs:create_app(open('x'))", "literal"),
    ],
)
def test_an_app_that_cannot_be_loaded_ends_with_4(serve: Serve, app: str, said: str) -> None:
    server = serve(app, ready=False)
    server.expected_code = 4
    assert server.wait_exit(40) == 4
    server.wait_log(said)


BOOT_S = "6"  # a sanitized Python on a busy machine needs a few before it comes to the application
HANGS = "import time\n\ndef load():\n    time.sleep(600)\n\nload()\n"


def test_an_import_that_hangs_ends_with_3_and_says_where(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "hangs.py").write_text(HANGS)
    arguments = ["--app-dir", str(tmp_path), "--worker-boot-timeout", BOOT_S]
    server = serve("hangs:app", *arguments, ready=False)
    server.expected_code = 3
    server.allowed_crashes = re.compile("Fatal Python error: Aborted")
    assert server.wait_exit(40) == 3
    assert f"failed: not ready after {BOOT_S} s (--worker-boot-timeout)" in server.log
    where = rf'File "{tmp_path}/hangs.py", line 4 in load\n'
    assert re.search(where, server.log), server.log


def test_a_hanging_import_is_shown_in_the_error_log_file(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "hangs.py").write_text(HANGS)
    log = tmp_path / "error.log"
    arguments = ["--app-dir", str(tmp_path), "--timeout", BOOT_S, "--error-logfile", str(log)]
    server = serve("hangs:app", *arguments, ready=False)
    server.expected_code = 3
    assert server.wait_exit(40) == 3
    assert "line 4 in load" in log.read_text()
    assert server.log == ""


def test_a_lifespan_that_hangs_ends_with_3(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "hangs.py").write_text(
        "import asyncio\nasync def app(scope, receive, send):\n    await asyncio.Event().wait()\n"
    )
    server = serve(
        "hangs:app", "--app-dir", str(tmp_path), "--worker-boot-timeout", BOOT_S, ready=False
    )
    server.expected_code = 3
    server.allowed_crashes = re.compile("Fatal Python error: Aborted")
    assert server.wait_exit(40) == 3
    assert f"failed: not ready after {BOOT_S} s (--worker-boot-timeout)" in server.log


def test_an_asgi_app_in_a_wsgi_worker_is_refused(serve: Serve) -> None:
    server = serve("common_asgi:app", kind="gthread", ready=False)
    server.expected_code = 4
    assert server.wait_exit(40) == 4
    server.wait_log("(?i)asgi")


def test_app_dir_and_chdir(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.py").write_text(
        "import os\n"
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    return [os.getcwd().encode()]\n"
    )
    server = serve("elsewhere:app", "--app-dir", str(tmp_path))
    assert connect(server).get("/").text != str(tmp_path)
    server = serve("elsewhere:app", "--chdir", str(tmp_path))
    assert connect(server).get("/").text == str(tmp_path)


def test_uvicorns_spelling(serve: Serve, connect: Connect) -> None:
    args = ["--host", "127.0.0.1", "--port", "0", "--interface", "asgi3", "--lifespan", "on"]
    server = serve("common_asgi:app", *args, bind=None)
    assert connect(server).get("/hello").status == 200
    assert server.events()[0]["event"] == "lifespan.startup"


# --- Draining ---


def test_term_finishes_what_is_in_flight(
    serve: Serve, kind: str, connect: Connect, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    server = serve(kind=kind)
    busy = connect(server).send(request(target=f"/wait?file={gate}"))
    wait_until(server.calls, "the call")
    server.signal(signal.SIGTERM)

    def refused() -> bool:
        try:
            Client(server).close()
        except ConnectionRefusedError:
            return True
        return False

    wait_until(refused, "new connections to be refused")
    busy.assert_quiet(0.1)
    busy.socket.settimeout(20)
    gate.touch()
    response = busy.read()
    assert response.body == b"waited" and response.says_close
    busy.assert_ended()
    assert server.wait_exit() == 0


def test_term_finishes_a_stream(serve: Serve, kind: str, connect: Connect, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    server = serve(kind=kind)
    client = connect(server).send(request(target=f"/drip?file={gate}"))
    blocks = client.body_blocks(client.read_head())
    assert next(blocks) == b"first"
    server.signal(signal.SIGTERM)
    gate.touch()
    assert b"".join(blocks) == b"second"
    assert server.wait_exit() == 0


def refuses(server: Server) -> bool:
    try:
        server.connect().close()
    except ConnectionRefusedError:
        return True
    return False


def test_term_finishes_an_upload(serve: Serve, kind: str, connect: Connect) -> None:
    server = serve(kind=kind)
    client = connect(server)
    client.send(request("POST", "/echo", [("Content-Length", "10")]) + b"hello")
    if kind == "asgi":
        server.wait_event(event="piece")
    else:
        assert connect(server).get("/hello").status == 200  # what was sent before has been read
    server.signal(signal.SIGTERM)
    wait_until(lambda: refuses(server), "the worker to stop accepting")
    client.send(b"world")
    response = client.read()
    assert response.body == b"helloworld" and response.says_close
    assert server.wait_exit() == 0


def test_term_lets_a_slow_reader_finish(serve: Serve, kind: str, connect: Connect) -> None:
    server = serve(kind=kind)
    client = connect(server, receive_buffer=4096)
    client.send(request(target="/blocks?bytes=10000000"))
    head = client.read_head()
    server.signal(signal.SIGTERM)
    assert sum(len(block) for block in client.body_blocks(head)) == 10000000
    assert server.wait_exit() == 0


def test_idle_connections_do_not_hold_the_end_up(serve: Serve, kind: str, connect: Connect) -> None:
    server = serve(None, "--keep-alive", "60", kind=kind)
    clients = [connect(server) for _ in range(20)]
    for client in clients:
        assert client.get("/hello").status == 200
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 10
    for client in clients:
        client.assert_ended()


def test_what_does_not_finish_is_cut(serve: Serve, kind: str, connect: Connect) -> None:
    server = serve(None, "--graceful-timeout", "1", kind=kind)
    server.expected_code = None
    client = connect(server).send(request(target="/wait?file=/nowhere/never"))
    wait_until(server.calls, "the call")
    began = time.monotonic()
    server.stop()
    assert 0.5 < time.monotonic() - began < 15
    # A task that was cancelled before it had begun to answer still tells its client.
    rest = client.read_to_end()
    assert rest == b"" or (kind == "asgi" and rest.startswith(b"HTTP/1.1 503 "))


def test_the_lifespan_ends_after_the_last_request(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    server = serve(kind="asgi")
    client = connect(server).send(request(target=f"/wait?file={gate}"))
    wait_until(server.calls, "the call")
    server.signal(signal.SIGTERM)
    client.assert_quiet(0.2)
    assert "lifespan.shutdown" not in [e["event"] for e in server.events()]
    gate.touch()
    client.socket.settimeout(20)
    assert client.read().body == b"waited"
    assert server.wait_exit() == 0
    assert [e["event"] for e in server.events()] == [
        "lifespan.startup",
        "call",
        "lifespan.shutdown",
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_int_and_quit_stop_quickly(
    serve: Serve, kind: str, connect: Connect, number: signal.Signals
) -> None:
    server = serve(kind=kind)
    server.expected_code = None
    connect(server).send(request(target="/wait?file=/nowhere/never"))
    wait_until(server.calls, "the call")
    began = time.monotonic()
    server.signal(number)
    server.wait_exit()
    assert time.monotonic() - began < 10


def test_requests_go_to_all_workers(serve: Serve, kind: str) -> None:
    """Two workers share one socket; both get work when one is busy."""
    server = serve(common_app(kind), kind=kind, workers=2)
    seen = set()

    def both() -> bool:
        clients = [Client(server) for _ in range(8)]
        for client in clients:
            client.send(request(target="/hello"))
        for client in clients:
            client.read()
            client.close()
        seen.update(e["pid"] for e in server.events() if e["event"] == "call")
        return seen == set(server.worker_pids)

    wait_until(both, "both workers to have served")


RUN = """
import sys, cppcorn
sys.exit(cppcorn.run("common_asgi:app", bind="127.0.0.1:0"))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGTERM])
def test_signals_to_a_script_reach_the_server_that_it_runs(number: signal.Signals) -> None:
    """Sent by a supervisor, to the script alone."""
    binary = find_binary()
    environment = server_environment(binary)
    environment["PYTHONPATH"] = f"{APPS}{os.pathsep}{environment.get('PYTHONPATH', '')}"
    with subprocess.Popen(
        [sys.executable, "-c", RUN],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as script:
        assert script.stderr is not None
        said = ""
        while "Worker ready" not in said:
            line = script.stderr.readline()
            assert line, said
            said += line
        script.send_signal(number)
        said += script.stderr.read()
        assert script.wait(20) == 0, said
        assert f"Handling signal: {number.name[3:]}" in said
