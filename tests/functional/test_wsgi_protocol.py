"""PEP 3333 line by line, against the real server: what apps may do, and what becomes of those that
do what they may not.
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Serve
from cppcorn_server import Server, wait_until
from http_client import Client, ConnectionEnded, request

Connect = Callable[..., Client]


@pytest.fixture
def server(shared: Serve) -> Server:
    return shared("wsgi_cases:app", kind="gthread")


def environ_of(client: Client, target: str = "/environ", **options: object) -> dict:
    response = client.exchange("GET", target, **options)  # type: ignore[arg-type]
    assert response.status == 200
    return json.loads(response.body)


def logged(server: Server, client: Client, target: str) -> tuple[int, str]:
    """The status of a GET, and what the log said about it."""
    log = len(server.log)
    status = client.get(target).status
    server.wait_log(f"GET {re.escape(target)}: ", after=log)
    return status, server.log[log:]


# --- environ ---


def test_the_environ_has_everything_with_its_type(client: Client, server: Server) -> None:
    seen = environ_of(client, "/environ?a=%20b", headers=[("X-Field", "value")])
    host, port = server.address
    remote_port = seen.pop("REMOTE_PORT")
    assert remote_port[0] == "str" and int(remote_port[1]) > 0
    assert seen.pop("SERVER_SOFTWARE")[1].startswith("cppcorn/")
    objects = {
        "wsgi.input": "Input",
        "wsgi.errors": "TextIOWrapper",
        "wsgi.file_wrapper": "type",
        "wsgi.early_hints": "builtin_function_or_method",
        "wsgi.version": "tuple",
    }
    for key, kind in objects.items():
        assert seen.pop(key)[0] == kind, key
    assert seen == {
        "REQUEST_METHOD": ["str", "GET"],
        "SCRIPT_NAME": ["str", ""],
        "PATH_INFO": ["str", "/environ"],
        "QUERY_STRING": ["str", "a=%20b"],
        "RAW_URI": ["str", "/environ?a=%20b"],
        "SERVER_NAME": ["str", host],
        "SERVER_PORT": ["str", str(port)],
        "SERVER_PROTOCOL": ["str", "HTTP/1.1"],
        "REMOTE_ADDR": ["str", "127.0.0.1"],
        "HTTP_HOST": ["str", "test"],
        "HTTP_X_FIELD": ["str", "value"],
        "wsgi.url_scheme": ["str", "http"],
        "wsgi.multithread": ["bool", True],
        "wsgi.multiprocess": ["bool", False],
        "wsgi.run_once": ["bool", False],
        "wsgi.input_terminated": ["bool", True],
    }


def test_http_1_0_and_no_query(client: Client) -> None:
    seen = environ_of(client, version="1.0")
    assert seen["SERVER_PROTOCOL"][1] == "HTTP/1.0"
    assert seen["QUERY_STRING"] == ["str", ""]


def test_the_ends_of_a_unix_socket(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    """It has no name and no port: PEP 3333 wants them all the same, so Host gives them."""
    server = serve("wsgi_cases:app", kind="gthread", bind=f"unix:{tmp_path / 'socket'}")
    client = connect(server)
    for host, name, port in [
        ("site", "site", "80"),
        ("site:81", "site", "81"),
        ("[::1]:8", "[::1]", "8"),
        ("", "localhost", "80"),
    ]:
        seen = environ_of(client, host=host)
        assert seen["REMOTE_ADDR"][1] == "" and "REMOTE_PORT" not in seen
        assert (seen["SERVER_NAME"][1], seen["SERVER_PORT"][1]) == (name, port)


def test_the_path_is_decoded_to_bytes_as_text(client: Client) -> None:
    """PEP 3333, "Unicode Issues": the code points of a native string are the bytes."""
    log = client.get("/%65nviron%2f%C3%BC%zz?%C3")
    assert log.status == 404
    seen = environ_of(client, "/%65nviron/?%C3%BC")
    assert seen["PATH_INFO"][1] == "/environ/"
    assert seen["QUERY_STRING"][1] == "%C3%BC"
    assert seen["RAW_URI"][1] == "/%65nviron/?%C3%BC"


def test_fields_that_come_again_are_joined(client: Client) -> None:
    headers = [("X-A", "1"), ("Cookie", "a=1"), ("x-a", "2"), ("Cookie", "b=2"), ("X-A", "3")]
    seen = environ_of(client, headers=headers)
    assert seen["HTTP_X_A"][1] == "1,2,3"
    assert seen["HTTP_COOKIE"][1] == "a=1; b=2"


def test_underscores_pass_for_nobody(client: Client) -> None:
    headers = [("X_Forwarded_User", "root"), ("Content_Length", "7"), ("X-Real", "me")]
    seen = environ_of(client, headers=headers)
    assert "HTTP_X_FORWARDED_USER" not in seen and "HTTP_CONTENT_LENGTH" not in seen
    assert seen["HTTP_X_REAL"][1] == "me"


def test_underscores_may_be_refused(serve: Serve, connect: Connect) -> None:
    server = serve("wsgi_cases:app", "--header-map", "refuse", kind="gthread")
    client = connect(server)
    assert client.get("/environ", [("X-Fine", "1")]).status == 200
    client.send(request(target="/environ", headers=[("X_Bad", "1")]) + request(target="/environ"))
    response = client.read()
    assert response.status == 400 and b"underscore" in response.body and response.says_close
    client.assert_ended()  # what is behind it is never read
    server.wait_log("Refused a request from .* with 400: underscore in a field name")


def test_content_fields_have_no_http(client: Client) -> None:
    seen = environ_of(client, headers=[("Content-Type", "text/x")], body=b"12345")
    assert seen["CONTENT_TYPE"][1] == "text/x" and seen["CONTENT_LENGTH"][1] == "5"
    assert not {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"} & set(seen)
    seen = environ_of(client)
    assert not {"CONTENT_TYPE", "CONTENT_LENGTH"} & set(seen)


def test_field_values_are_bytes_as_text(client: Client) -> None:
    client.send(b"GET /environ HTTP/1.1\r\nHost: test\r\nX-Raw: \xc3\xbc\xff\r\n\r\n")
    assert json.loads(client.read().body)["HTTP_X_RAW"][1] == "\xc3\xbc\xff"


def test_many_different_field_names(client: Client) -> None:
    """More names than the table of names holds, and longer ones than it keeps."""
    for batch in range(12):
        headers = [(f"X-{batch}-{number}" + "-long" * (number % 12), "1") for number in range(60)]
        seen = environ_of(client, headers=headers)
        for name, _ in headers:
            assert seen["HTTP_" + name.upper().replace("-", "_")][1] == "1"


@pytest.mark.parametrize(
    ("args", "env"), [(["--root-path", "/api"], {}), ([], {"SCRIPT_NAME": "/api/"})]
)
def test_the_mount_point(serve: Serve, connect: Connect, args: list[str], env: dict) -> None:
    server = serve("wsgi_cases:app", *args, kind="gthread", env=env)
    client = connect(server)
    for target, path in [("/api/environ", "/environ"), ("/environ", "/environ")]:
        seen = environ_of(client, target)
        assert (seen["SCRIPT_NAME"][1], seen["PATH_INFO"][1]) == ("/api", path)
        assert seen["RAW_URI"][1] == target
    assert client.get("/apienviron").status == 404


def test_threads_and_processes_are_told(serve: Serve, connect: Connect) -> None:
    alone = environ_of(connect(serve("wsgi_cases:app", kind="sync")))
    assert alone["wsgi.multithread"][1] is False and alone["wsgi.multiprocess"][1] is False
    crowd = environ_of(connect(serve("wsgi_cases:app", kind="gthread", workers=2)))
    assert crowd["wsgi.multithread"][1] is True and crowd["wsgi.multiprocess"][1] is True


def test_requests_run_on_ordinary_threads(client: Client) -> None:
    assert re.fullmatch(r"Thread cppcorn-[1-4] False", client.get("/thread").text)


def test_what_an_app_keeps_does_no_harm(server: Server, client: Client) -> None:
    log = len(server.log)
    assert client.get("/environ-is-a-plain-dict").body == b"kept"
    server.wait_log("^to the error stream$", after=log)
    said = client.exchange("GET", "/use-what-was-kept").text.split("|")
    assert said[0] == "" and all("is over" in text for text in said[1:]) and len(said) == 3


# --- start_response and the body ---


def test_an_empty_body(client: Client) -> None:
    assert client.get("/empty-list").header("content-length") == "0"


def test_empty_blocks_are_nothing(client: Client) -> None:
    response = client.get("/empty-blocks")
    assert response.body == b"firstsecond"
    assert response.chunks[-1] == 0 and 0 not in response.chunks[:-1]


def test_a_list_has_a_known_length(client: Client) -> None:
    response = client.get("/several-in-a-list")
    assert (response.body, response.header("content-length")) == (b"onetwothree", "11")
    response = client.exchange("HEAD", "/several-in-a-list")
    assert response.header("content-length") == "11"


def test_an_iterable_of_one_has_a_known_length(client: Client) -> None:
    response = client.get("/one-in-a-sized")
    assert (response.body, response.header("content-length")) == (b"only", "4")


@pytest.mark.parametrize("target", ["/closing", "/close-after-error", "/text-in-the-middle"])
def test_close_is_called_once(serve: Serve, connect: Connect, target: str) -> None:
    server = serve("wsgi_cases:app", kind="gthread")
    connect(server).send(request(target=target))
    server.wait_event(event="closed")
    connect(server).get("/hello")
    assert sum(event["event"] == "closed" for event in server.events()) == 1


def test_a_raising_close_hurts_nobody(server: Server, client: Client) -> None:
    log = len(server.log)
    assert client.get("/close-raises").body == b"good"
    server.wait_log("ValueError: deliberate in close", after=log)
    assert "GET /close-raises: close() of the response raised" in server.log[log:]
    assert client.get("/empty-list").status == 200


def test_the_head_may_come_with_the_first_block(client: Client) -> None:
    response = client.get("/late-start")
    assert (response.status, response.reason) == (201, "Created")
    assert response.header("x-late") == "yes" and response.body == b"late"


@pytest.mark.parametrize(
    ("target", "said", "tracebacks"),
    [
        ("/never-started", "start_response", 0),
        ("/never-started-empty", "start_response", 0),
        ("/returns-none", "TypeError: 'NoneType'", 0),
        ("/returns-text", "must be bytes, not str", 0),
        ("/returns-bytes", "must be bytes, not int", 0),
        ("/started-twice", "AssertionError", 1),
        ("/generator-exit", "GeneratorExit", 1),
        ("/keyboard-interrupt", "KeyboardInterrupt", 1),
    ],
)
def test_mistakes_are_a_500_and_in_the_log(
    server: Server, connect: Connect, target: str, said: str, tracebacks: int
) -> None:
    status, log = logged(server, connect(server), target)
    assert status == 500 and said in log
    assert log.count("Traceback") == tracebacks
    assert ("raised" in log) == bool(tracebacks)
    assert connect(server).get("/empty-list").status == 200


def test_a_mistake_in_the_middle_cuts_the_connection(server: Server, client: Client) -> None:
    log = len(server.log)
    client.send(request(target="/text-in-the-middle"))
    with pytest.raises(ConnectionEnded):
        client.read()
    server.wait_log("must be bytes, not str", after=log)


def test_exc_info_replaces_a_head_that_has_not_left(client: Client) -> None:
    response = client.get("/replaced")
    assert (response.status, response.reason) == (418, "I'm a teapot")
    assert response.header("x-second") == "yes" and response.header("x-first") is None
    response = client.get("/replaced-by-name")
    assert response.status == 503 and response.header("x-named") == "yes"


def test_exc_info_behind_the_head_raises_again(server: Server, client: Client) -> None:
    log = len(server.log)
    client.send(request(target="/replaced-too-late"))
    with pytest.raises(ConnectionEnded):
        client.read()
    server.wait_log("LookupError: deliberate, too late", after=log)
    assert "replaced_too_late" in server.log[log:]


def test_wrong_heads_raise_in_the_app(client: Client) -> None:
    response = client.get("/bad-heads")
    assert response.body == b"" and response.header("x-all") == "raised"
    response = client.get("/mended")
    assert response.header("mended") == "yes" and response.header("good") is None


def test_headers_may_be_made_by_python_code(client: Client, server: Server) -> None:
    response = client.get("/generated-headers")
    assert response.header("x-first") == "1" and response.header("x-second") == "2"
    assert client.get("/generated-headers?fail").status == 500
    server.wait_log("LookupError: deliberate in the headers")


def test_a_late_start_response_concerns_nobody_else(serve: Serve, connect: Connect) -> None:
    """Not even when it had begun before the request was over."""
    server = serve("wsgi_cases:app", "--threads", "1", kind="gthread")
    client = connect(server)
    assert client.get("/headers-of-a-late-thread").body == b"over"
    server.wait_event(event="making headers")
    response = client.get("/let-late-threads-go")
    assert response.body == b"went on" and response.header("x-late") is None
    assert "is over" in server.wait_event(event="late start")["error"]


def test_heads_may_be_latin_1(client: Client) -> None:
    response = client.get("/latin-1")
    assert response.reason == "F\xfcnf" and response.header("x-umlaut") == "gr\xfcn"


def test_hop_by_hop_fields_are_the_servers_own(client: Client) -> None:
    response = client.get("/hop-by-hop")
    assert response.header("keep-alive") is None and response.header("upgrade") is None
    assert not response.says_close and client.get("/hop-by-hop").status == 200


def test_an_app_may_end_the_connection(client: Client) -> None:
    response = client.get("/wants-close")
    assert response.says_close and response.body == b"bye"
    client.assert_ended()


def test_write(server: Server, client: Client) -> None:
    assert client.get("/written").body == b"written by write"
    assert client.get("/written-only").body == b"written"
    log = len(server.log)
    assert client.get("/written-too-long").body == b"01230"
    server.wait_log("longer than its Content-Length", after=log)
    assert client.get("/written").status == 200


def test_a_class_as_the_app(client: Client) -> None:
    assert client.get("/class-app").body == b"class"


def test_head_sends_no_body_and_ends_streams(serve: Serve, connect: Connect) -> None:
    server = serve("wsgi_cases:app", kind="gthread")
    client = connect(server)
    assert client.exchange("HEAD", "/endless").body == b""
    server.wait_event(event="generator closed")
    assert client.get("/empty-list").status == 200


def test_nothing_is_begun_when_the_worker_stops(serve: Serve, tmp_path: Path) -> None:
    """INT cuts the connections at once: what waited for a thread is done for nobody any more."""
    server = serve(kind="sync")
    gate = tmp_path / "gate"
    with Client(server) as working, Client(server) as waiting:
        working.send(request(target=f"/wait?file={gate}"))
        wait_until(server.calls, "the call")
        waiting.send(request("POST", "/echo", body=b"order"))
        with Client(server) as other:  # accepted and read behind it
            other.send(b"{}\r\n\r\n")
            assert other.read().status == 400
        server.signal(signal.SIGINT)
        waiting.assert_ended()
        gate.touch()
        assert server.wait_exit() == 0
    assert server.calls() == ["GET /wait"]


# --- Files ---

FILE = bytes(range(256)) * 782


@pytest.mark.parametrize("sendfile", [True, False])
def test_files(serve: Serve, connect: Connect, sendfile: bool) -> None:
    server = serve("wsgi_cases:app", *([] if sendfile else ["--no-sendfile"]), kind="gthread")
    client = connect(server)
    response = client.get("/file")
    assert response.header("content-length") == "200000" and response.body == FILE[:200_000]
    assert client.get("/file-rest").body == FILE[1000:200_000]
    assert client.get("/file-part").body == FILE[:1234]
    response = client.get("/file-empty")
    assert response.header("content-length") == "0" and response.body == b""
    assert client.get("/file-in-memory").body == b"memory" * 10_000
    assert client.get("/file-wrapped-again").body == b"0123456789"
    assert client.get("/file-attributes").body == b"True 7 True"
    assert client.exchange("HEAD", "/file").header("content-length") == "200000"
    body = client.get("/file-closed-at-once").body
    assert len(body) == 5_000_000 and body[:1000] == FILE[:1000]
    server.wait_event(event="file closed")


@pytest.mark.parametrize("target", ["/file-compressed", "/file-compressed?buffered"])
def test_a_file_is_what_its_read_gives(client: Client, target: str) -> None:
    assert client.get(target).body == b"packed" * 10_000


def test_files_that_are_sent_as_they_are(client: Client) -> None:
    """Their length is known, which shows that nobody had to read them."""
    response = client.get("/file-behind-another")
    assert response.header("content-length") == "199000" and response.body == FILE[1000:200_000]
    response = client.get("/file-raw")
    assert response.header("content-length") == response.header("x-size")


def test_a_file_without_a_size_is_read(client: Client) -> None:
    assert b"cppcorn.worker" in client.get("/file-without-size").body


def test_a_file_of_text_is_a_mistake(server: Server, connect: Connect) -> None:
    status, log = logged(server, connect(server), "/file-of-text")
    assert status == 500 and "must be bytes, not str" in log


def test_a_file_shorter_than_promised(server: Server, client: Client) -> None:
    log = len(server.log)
    client.send(request(target="/file-short"))
    with contextlib.suppress(ConnectionEnded):
        assert client.read().status == 500
    server.wait_log("shorter than its Content-Length", after=log)
