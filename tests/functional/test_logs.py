"""What is logged: the access log with gunicorn's atoms and as JSON, tracebacks, refused
requests.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Serve
from cppcorn_server import Server, wait_until
from http_client import Client, request

Connect = Callable[..., Client]

ATOMS = {
    "%(h)s": "127.0.0.1",
    "%(l)s": "-",
    "%(u)s": "someone",
    "%(m)s": "POST",
    "%(U)s": "/echo",
    "%(q)s": "a=1&b=2",
    "%(H)s": "HTTP/1.1",
    "%(r)s": "POST /echo?a=1&b=2 HTTP/1.1",
    "%(s)s": "200",
    "%(st)s": None,
    "%(B)s": "5",
    "%(b)s": "5",
    "%(f)s": "http://from/",
    "%(a)s": "probe/1.0",
    "%({x-in}i)s": "incoming",
    "%({content-type}o)s": "text/plain",
    "%({content-length}o)s": "5",
    "%(T)s": r"\d+",
    "%(M)s": r"\d+",
    "%(D)s": r"\d+",
    "%(L)s": r"\d+\.\d+",
    "%(p)s": r"<?\d+>?",
    "%(t)s": r"\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]",
}
EXACT = [atom for atom, value in ATOMS.items() if value is not None and "\\" not in value]
PATTERNS = [atom for atom, value in ATOMS.items() if value is not None and "\\" in value]

SENT = [
    ("Authorization", "Basic c29tZW9uZTpzZWNyZXQ="),
    ("Referer", "http://from/"),
    ("User-Agent", "probe/1.0"),
    ("X-In", "incoming"),
]


def logged(server: Server, count: int = 1) -> list[str]:
    wait_until(lambda: len(server.output.splitlines()) >= count, f"{count} lines of access log")
    return server.output.splitlines()


def test_no_access_log_unless_asked(server: Server, client: Client) -> None:
    assert client.get("/hello").status == 200
    assert server.output == ""


def test_the_default_format(serve: Serve, kind: str, connect: Connect) -> None:
    server = serve(None, "--access-logfile", "-", kind=kind)
    client = connect(server)
    client.get("/hello?x=1", SENT)
    client.get("/nowhere")
    first, second = logged(server, 2)
    date = r"\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]"
    assert re.fullmatch(
        rf'127\.0\.0\.1 - someone {date} "GET /hello\?x=1 HTTP/1\.1" 200 13 "http://from/" '
        r'"probe/1\.0"',
        first,
    ), first
    assert re.fullmatch(
        rf'127\.0\.0\.1 - - {date} "GET /nowhere HTTP/1\.1" 404 13 "-" "-"', second
    ), second


def test_every_atom(serve: Serve, kind: str, connect: Connect) -> None:
    atoms = EXACT + PATTERNS
    server = serve(None, "--access-logfile", "-", "--access-logformat", "|".join(atoms), kind=kind)
    connect(server).exchange("POST", "/echo?a=1&b=2", SENT, b"hello")
    values = dict(zip(atoms, logged(server)[0].split("|"), strict=True))
    assert {atom: values[atom] for atom in EXACT} == {atom: ATOMS[atom] for atom in EXACT}
    for atom in PATTERNS:
        assert re.fullmatch(ATOMS[atom] or "", values[atom]), (atom, values[atom])
    assert int(values["%(p)s"].strip("<>")) in server.worker_pids


def test_what_is_absent_is_a_dash(serve: Serve, kind: str, connect: Connect) -> None:
    atoms = ["%({x-none}i)s", "%({x-none}o)s", "%({X_NONE}e)s", "%(f)s", "%(a)s", "%(u)s", "%(b)s"]
    server = serve(None, "--access-logfile", "-", "--access-logformat", "|".join(atoms), kind=kind)
    connect(server).get("/status/204")
    assert logged(server)[0] == "|".join(["-"] * len(atoms))


def test_json(serve: Serve, kind: str, connect: Connect) -> None:
    server = serve(None, "--access-logfile", "-", "--access-log-json", kind=kind)
    client = connect(server)
    client.get("/hello?a=%22", [("User-Agent", 'quo"te\\back\xe4'), ("Referer", "http://from/")])
    client.exchange("POST", "/echo", body=b"x" * 100)
    first, second = [json.loads(line) for line in logged(server, 2)]
    text = json.dumps(first)
    assert "GET" in text and "/hello" in text and '"status": 200' in text
    assert 'quo\\"te' in text
    assert second["status"] == 200 and "POST" in second.values()
    assert first.keys() == second.keys()


def test_the_log_cannot_be_forged(serve: Serve, kind: str, connect: Connect) -> None:
    """Line ends and terminal escapes in what a client sends stay inside one line, escaped."""
    format_ = "%(r)s|%(U)s|%(q)s|%(a)s|%({x}i)s|%(u)s"
    server = serve(None, "--access-logfile", "-", "--access-logformat", format_, kind=kind)
    client = connect(server)
    client.get(
        "/a%0ab%1b[31m%22?c=%0a",
        [("User-Agent", 'a" "b\x9b'), ("X", "\xff\xfe\ttab"), ("Authorization", "Basic CgoKOgo=")],
    )
    client.get("/last")
    lines = logged(server, 2)
    assert len(lines) == 2 and lines[1].startswith("GET /last")
    assert all(" " <= byte <= "~" for byte in lines[0]), lines[0]


def test_streams_and_errors_are_logged_with_what_was_sent(
    serve: Serve, kind: str, connect: Connect
) -> None:
    server = serve(
        None, "--access-logfile", "-", "--access-logformat", "%(m)s %(U)s %(s)s %(B)s", kind=kind
    )
    client = connect(server)
    client.get("/chunks?n=10&size=100")
    client.exchange("HEAD", "/hello")
    client.get("/status/304")
    assert client.get("/raise").status == 500
    lines = logged(server, 4)
    assert lines[:3] == ["GET /chunks 200 1000", "HEAD /hello 200 0", "GET /status/304 304 0"]
    assert lines[3].startswith("GET /raise 500 ")


def test_a_file_is_appended_to(serve: Serve, kind: str, connect: Connect, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text("kept\n")
    server = serve(None, "--access-logfile", str(path), kind=kind)
    connect(server).get("/hello")
    server.stop()
    lines = path.read_text().splitlines()
    assert lines[0] == "kept" and len(lines) == 2 and "GET /hello" in lines[1]


def test_nothing_is_lost_at_the_end(serve: Serve, kind: str, connect: Connect) -> None:
    """What was answered before TERM is in the log, although it is written off the hot path."""
    server = serve(None, "--access-logfile", "-", kind=kind)
    client = connect(server)
    for _ in range(500):
        client.get("/hello")
    server.stop()
    assert len(server.output.splitlines()) == 500


def test_the_error_log_may_be_a_file(serve: Serve, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "error.log"
    server = serve(None, "--error-logfile", str(path), kind=kind, ready=False)
    wait_until(lambda: path.exists() and "Listening at" in path.read_text(), "the start-up lines")
    found = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", path.read_text())
    assert found
    import socket

    with socket.create_connection(("127.0.0.1", int(found[1])), timeout=20) as connected:
        connected.settimeout(20)
        connected.sendall(request(target="/raise"))
        assert connected.recv(1000).startswith(b"HTTP/1.1 500")
    wait_until(lambda: "ValueError: deliberate" in path.read_text(), "the traceback")
    assert server.log == ""


def test_a_refused_request_is_logged_with_its_reason(server: Server) -> None:
    log = len(server.log)
    with Client(server) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert client.read().status == 400
    server.wait_log(r"127\.0\.0\.1.*(?i:host)", after=log)


def test_refusals_do_not_fill_the_disk(serve: Serve, kind: str) -> None:
    server = serve(kind=kind)
    log = len(server.log)
    for number in range(300):
        with Client(server) as client:
            client.send(b"GET /%d HTTP/9.9\r\nHost: a\r\n\r\n" % number)
            assert client.read().status == 505
    lines = server.log[log:].splitlines()
    assert 1 <= len(lines) < 100, len(lines)


def test_a_refused_request_cannot_forge_the_log(server: Server) -> None:
    log = len(server.log)
    with Client(server) as client:
        client.send(b"GET /\x1b[31m\x9b\xff HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.read().status == 400
    server.wait_log(r"400|127\.0\.0\.1", after=log)
    assert "\x1b" not in server.log[log:] and os.linesep * 2 not in server.log[log:]


@pytest.mark.parametrize("app", ["common"])
def test_print_and_logging_of_the_app_are_seen(serve: Serve, kind: str, app: str) -> None:
    """An app's own output is not swallowed."""
    server = serve("talkative:" + ("asgi" if kind == "asgi" else "wsgi"), kind=kind)
    with Client(server) as client:
        assert client.get("/").status == 200
    server.wait_output("printed by the app")
    server.wait_log("warned by the app")
