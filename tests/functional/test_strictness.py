"""What is not HTTP/1.1 is refused with the right status, and what stands behind it is never read as
a request.

Each case goes to the real server with a whole request behind it in the same write. There must be
one answer, an end, and no call of an app; a request of our own afterwards shows that the server
lives.
"""

from __future__ import annotations

import contextlib
import json

import pytest
from conftest import Serve
from cppcorn_server import Server
from http_client import Client, chunked, request, responses_in

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n"


def get(*lines: bytes, host: bytes = b"Host: test") -> bytes:
    return b"\r\n".join([b"GET / HTTP/1.1", *([host] if host else []), *lines, b"", b""])


def line(text: bytes) -> bytes:
    return text + b"\r\nHost: test\r\n\r\n"


def post(*lines: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([b"POST /echo HTTP/1.1", b"Host: test", *lines, b"", body])


def chunks(body: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked", body=body)


CHUNKED_BODY = b"5\r\nhello\r\n0\r\n\r\n"

REFUSED_HEADS = {
    # Two readers would see two different ends of the message.
    "length and chunked": (
        post(b"Content-Length: 15", b"Transfer-Encoding: chunked", body=CHUNKED_BODY),
        400,
    ),
    "chunked and length": (
        post(b"Transfer-Encoding: chunked", b"Content-Length: 0", body=CHUNKED_BODY),
        400,
    ),
    "two lengths": (post(b"Content-Length: 5", b"Content-Length: 0", body=b"hello"), 400),
    "one length twice": (post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"), 400),
    "a list of lengths": (post(b"Content-Length: 5, 5", body=b"hello"), 400),
    "length +4": (post(b"Content-Length: +4", body=b"hell"), 400),
    "length -1": (post(b"Content-Length: -1"), 400),
    "length 0x4": (post(b"Content-Length: 0x4", body=b"hell"), 400),
    "length 4_0": (post(b"Content-Length: 4_0"), 400),
    "length with a space in it": (post(b"Content-Length: 4 0"), 400),
    "length empty": (post(b"Content-Length:"), 400),
    "length in Arabic digits": (post("Content-Length: ٤".encode(), body=b"hell"), 400),
    "length beyond 64 bits": (post(b"Content-Length: 18446744073709551616"), 400),
    "length with a trailing NUL": (post(b"Content-Length: 4\0", body=b"hell"), 400),
    "unknown coding": (post(b"Transfer-Encoding: gzip", body=CHUNKED_BODY), 501),
    "identity": (post(b"Transfer-Encoding: identity"), 501),
    "gzip, chunked": (post(b"Transfer-Encoding: gzip, chunked", body=CHUNKED_BODY), 501),
    "xchunked": (post(b"Transfer-Encoding: xchunked", body=CHUNKED_BODY), 501),
    "chunked twice": (post(b"Transfer-Encoding: chunked, chunked", body=CHUNKED_BODY), 400),
    "chunked not last": (post(b"Transfer-Encoding: chunked, identity", body=CHUNKED_BODY), 400),
    "two codings in two fields": (
        post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=CHUNKED_BODY),
        400,
    ),
    "chunked with a vertical tab": (
        post(b"Transfer-Encoding: \x0bchunked", body=CHUNKED_BODY),
        400,
    ),
    "chunked with a semicolon": (
        post(b"Transfer-Encoding: chunked;", body=CHUNKED_BODY),
        (400, 501),
    ),
    "chunked in quotes": (post(b'Transfer-Encoding: "chunked"', body=CHUNKED_BODY), 400),
    "space before the colon of TE": (
        post(b"Transfer-Encoding : chunked", b"Content-Length: 0", body=CHUNKED_BODY),
        400,
    ),
    "TE in HTTP/1.0": (
        b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED_BODY,
        400,
    ),
    # The Host decides which site is meant; frameworks build addresses from it.
    "no Host": (get(host=b""), 400),
    "two Hosts": (get(b"Host: other"), 400),
    "Host with a path": (get(host=b"Host: test/evil"), 400),
    "Host with a query": (get(host=b"Host: test?evil"), 400),
    "Host with a fragment": (get(host=b"Host: test#evil"), 400),
    "Host with user information": (get(host=b"Host: user@test"), 400),
    "Host with a backslash": (get(host=b"Host: test\\evil"), 400),
    "Host with a space": (get(host=b"Host: te st"), 400),
    "Host list": (get(host=b"Host: test, evil"), 400),
    "Host with a word for a port": (get(host=b"Host: test:port"), 400),
    "Host with too large a port": (get(host=b"Host: test:65536"), 400),
    "Host with half a bracket": (get(host=b"Host: [::1"), 400),
    "Host with an encoded slash": (get(host=b"Host: test%2fevil"), 400),
    # Lines and fields.
    "obs-fold": (get(b"X-Long: one", b" two"), 400),
    "obs-fold with a tab": (get(b"X-Long: one", b"\ttwo"), 400),
    "leading white space": (b"GET / HTTP/1.1\r\n Host: test\r\n\r\n", 400),
    "bare LF everywhere": (b"GET / HTTP/1.1\nHost: test\n\n", 400),
    "bare LF behind a field": (b"GET / HTTP/1.1\r\nHost: test\nX: y\r\n\r\n", 400),
    "bare LF at the head's end": (b"GET / HTTP/1.1\r\nHost: test\r\n\n", 400),
    "bare CR in a value": (get(b"X: a\rb"), 400),
    "bare CR behind a field": (b"GET / HTTP/1.1\r\nHost: test\rX: y\r\n\r\n", 400),
    "CR CR LF": (b"GET / HTTP/1.1\r\nHost: test\r\r\n\r\n", 400),
    "space before the colon": (get(b"X-Odd : value"), 400),
    "space in a name": (get(b"X Odd: value"), 400),
    "no colon": (get(b"X-Odd"), 400),
    "no name": (get(b": value"), 400),
    "NUL in a value": (get(b"X: a\0b"), 400),
    "NUL in a name": (get(b"X\0Y: b"), 400),
    "bell in a value": (get(b"X: a\x07b"), 400),
    "DEL in a value": (get(b"X: a\x7fb"), 400),
    "a name in quotes": (get(b'"X": y'), 400),
    "a name beyond ASCII": (get(b"X\xe4: y"), 400),
    # The request line.
    "two spaces": (line(b"GET  / HTTP/1.1"), 400),
    "a tab": (line(b"GET\t/ HTTP/1.1"), 400),
    "a space in the target": (line(b"GET /a b HTTP/1.1"), 400),
    "a trailing space": (line(b"GET / HTTP/1.1 "), 400),
    "a leading space": (line(b" GET / HTTP/1.1"), 400),
    "no method": (line(b"/ HTTP/1.1"), 400),
    "a method with a brace": (line(b"GE{T / HTTP/1.1"), 400),
    "a method nobody knows": (line(b"BREW / HTTP/1.1"), 501),
    "a method in lower case": (line(b"get / HTTP/1.1"), 501),
    "CONNECT": (b"CONNECT test:80 HTTP/1.1\r\nHost: test:80\r\n\r\n", 501),
    "NUL in the target": (line(b"GET /\0 HTTP/1.1"), 400),
    "a high byte in the target": (line(b"GET /\xe4 HTTP/1.1"), 400),
    "a fragment": (line(b"GET /#x HTTP/1.1"), 400),
    "no slash": (line(b"GET evil HTTP/1.1"), 400),
    "asterisk without OPTIONS": (line(b"GET * HTTP/1.1"), 400),
    "absolute without a host": (line(b"GET http:///x HTTP/1.1"), 400),
    "absolute with user information": (line(b"GET http://a@test/ HTTP/1.1"), 400),
    "absolute with another scheme": (line(b"GET ftp://test/ HTTP/1.1"), 400),
    "HTTP/2.0": (line(b"GET / HTTP/2.0"), 505),
    "HTTP/0.9": (b"GET /\r\n", 505),
    "HTTP/1.": (line(b"GET / HTTP/1."), 400),
    "HTTP/1.10": (line(b"GET / HTTP/1.10"), 400),
    "http/1.1": (line(b"GET / http/1.1"), 400),
    "HTTP/+1.1": (line(b"GET / HTTP/+1.1"), 400),
    "ICY/1.1": (line(b"GET / ICY/1.1"), 400),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "TLS on a plain port": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xaa" * 64, 400),
    "garbage": (b"\xff\xfe\xfd" * 100, 400),
    # Sizes.
    "9 KB target": (line(b"GET /" + b"a" * 9000 + b" HTTP/1.1"), 414),
    "9 KB method": (line(b"G" * 9000 + b" / HTTP/1.1"), 414),
    "40 KB field": (get(b"X: " + b"a" * 40000), 431),
    "9 KB field name": (get(b"X" * 9000 + b": a"), 431),
    "150 fields": (get(*[b"X-%d: a" % i for i in range(150)]), 431),
    "too much in total": (get(*[b"X-%d: %s" % (i, b"a" * 1000) for i in range(90)]), 431),
    # Expectations.
    "another expectation": (post(b"Expect: 200-maybe", b"Content-Length: 5", body=b"hello"), 417),
}

BROKEN_BODIES = {
    "size 0x1": (chunks(b"0x1\r\na\r\n0\r\n\r\n"), 400),
    "size +1": (chunks(b"+1\r\na\r\n0\r\n\r\n"), 400),
    "size -1": (chunks(b"-1\r\na\r\n0\r\n\r\n"), 400),
    "size 1_0": (chunks(b"1_0\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n"), 400),
    "size with a leading space": (chunks(b" 1\r\na\r\n0\r\n\r\n"), 400),
    "no size": (chunks(b"\r\na\r\n0\r\n\r\n"), 400),
    "size of a word": (chunks(b"five\r\nhello\r\n0\r\n\r\n"), 400),
    "size beyond 64 bits": (chunks(b"10000000000000000\r\na\r\n0\r\n\r\n"), (400, 413)),
    "bare LF behind the size": (chunks(b"1\na\r\n0\r\n\r\n"), 400),
    "bare CR behind the size": (chunks(b"1\ra\r\n0\r\n\r\n"), 400),
    "bare LF in an extension": (chunks(b"1;a\nb\r\na\r\n0\r\n\r\n"), 400),
    "NUL in an extension": (chunks(b"1;a\0b\r\na\r\n0\r\n\r\n"), 400),
    "endless extensions": (chunks(b"1;" + b"e" * 20000 + b"\r\na\r\n0\r\n\r\n"), 400),
    "data longer than its size": (chunks(b"1\r\nab\r\n0\r\n\r\n"), 400),
    "bare LF behind the data": (chunks(b"1\r\na\n0\r\n\r\n"), 400),
    "bare LF in the end": (chunks(b"1\r\na\r\n0\n\n"), 400),
    "a trailer without a colon": (chunks(b"1\r\na\r\n0\r\nfoo\r\n\r\n"), 400),
    "a folded trailer": (chunks(b"1\r\na\r\n0\r\nfoo: a\r\n b\r\n\r\n"), 400),
    "NUL in a trailer": (chunks(b"1\r\na\r\n0\r\nfoo: \0\r\n\r\n"), 400),
    "too many trailers": (
        chunks(b"1\r\na\r\n0\r\n" + b"".join(b"t%d: v\r\n" % i for i in range(150)) + b"\r\n"),
        431,
    ),
}


def assert_refused(server: Server, data: bytes, status: int | tuple[int, ...], reached: tuple = ()):
    wanted = (status,) if isinstance(status, int) else status
    before = len(server.calls())
    with Client(server) as client:
        client.send_quietly(data + SMUGGLED)
        response = client.read()
        assert response.status in wanted, response
        assert response.says_close
        assert (response.header("content-type") or "").startswith("text/plain")
        assert response.body.startswith(str(response.status).encode()) and len(response.body) < 200
        client.assert_ended()
    with Client(server) as client:
        assert client.get("/sentinel").status == 404
    assert server.calls()[before:] == [*reached, "GET /sentinel"]


@pytest.mark.parametrize("case", REFUSED_HEADS)
def test_a_head_is_refused(server: Server, case: str) -> None:
    data, status = REFUSED_HEADS[case]
    assert_refused(server, data, status)


@pytest.mark.parametrize("case", BROKEN_BODIES)
def test_a_body_breaks(server: Server, case: str) -> None:
    """WSGI never sees such a request; ASGI had been called, and is told that the client has
    gone.
    """
    data, status = BROKEN_BODIES[case]
    before = len(server.events())
    assert_refused(server, data, status, ("POST /echo",) if server.kind == "asgi" else ())
    kinds = [event["event"] for event in server.events()[before:]]
    assert kinds.count("disconnect") == (1 if server.kind == "asgi" else 0)
    assert "body" not in kinds


@pytest.mark.parametrize("case", ["length and chunked", "obs-fold", "9 KB target", "HTTP/2.0"])
def test_a_refusal_does_not_depend_on_how_bytes_are_cut(server: Server, case: str) -> None:
    data, status = REFUSED_HEADS[case]
    step = max(1, len(data) // 40)
    before = len(server.calls())
    with Client(server) as client:
        with contextlib.suppress(OSError):  # it may be refused before the last piece
            client.send(*[data[at : at + step] for at in range(0, len(data), step)])
        assert client.read().status == status
        client.send_quietly(SMUGGLED)
        client.assert_ended()
    assert server.calls()[before:] == []


def test_a_refused_request_behind_a_good_one(server: Server) -> None:
    """The good one is answered in full, then the bad one, then nothing."""
    with Client(server) as client:
        client.send(request(target="/hello") + REFUSED_HEADS["two Hosts"][0] + SMUGGLED)
        assert client.read().body == b"Hello, World!"
        assert client.read().status == 400
        client.assert_ended()
    assert "GET /smuggled" not in server.calls()


def test_what_an_early_answer_leaves_of_a_body_is_no_request(server: Server) -> None:
    """The app answers without reading; the body looks like requests. One may follow it, or the
    end.
    """
    before = len(server.calls())
    with Client(server) as client:
        client.send_quietly(
            request("POST", "/unread", body=SMUGGLED * 20) + request(target="/after")
        )
        assert client.read().body == b"unread"
        client.half_close()
        assert responses_in(client.read_to_end()) <= 1
    assert server.calls()[before:] in (["POST /unread"], ["POST /unread", "GET /after"])


ACCEPTED = {
    "white space around a value": get(b"X:  \t a \t "),
    "an empty value": get(b"X:"),
    "a tab in a value": get(b"X: a\tb"),
    "bytes beyond ASCII in a value": get(b"X: \xe4\xff"),
    "every character of a token": get(b"!#$%&'*+-.^_`|~0aZ: x"),
    "an empty Host": get(host=b"Host:"),
    "a Host with a port": get(host=b"Host: test:8000"),
    "an IPv6 Host": get(host=b"Host: [::1]:8000"),
    "an empty line before": b"\r\n" + get(),
    "HTTP/1.2 is read as 1.1": line(b"GET / HTTP/1.2"),
    "length 0 for GET": get(b"Content-Length: 0"),
    "a length with zeros": post(b"Content-Length: 0005", body=b"hello"),
    "sizes in both cases": chunks(b"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"),
    "a size with zeros": chunks(b"0005\r\nhello\r\n000\r\n\r\n"),
    "chunk extensions": chunks(b'5;name=value;other="quoted text"\r\nhello\r\n0;last\r\n\r\n'),
    "trailers": chunks(b"5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n"),
    "Chunked in capitals": post(b"Transfer-Encoding: CHUNKED", body=CHUNKED_BODY),
    "QUERY": line(b"QUERY / HTTP/1.1"),
    "a target of 4,000 bytes": line(b"GET /hello?" + b"a" * 4000 + b" HTTP/1.1"),
    "a field of 8,000 bytes": get(b"X: " + b"a" * 8000),
    "99 fields": get(*[b"X-%d: a" % i for i in range(99)]),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_is_right_is_served(server: Server, case: str) -> None:
    """The near misses of the above: strictness must not cost an honest client anything."""
    with Client(server) as client:
        client.send(ACCEPTED[case])
        assert client.read().status == 200
        assert client.get("/hello").body == b"Hello, World!"


def test_http10_needs_no_host(server: Server) -> None:
    with Client(server) as client:
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert client.read().status == 200
        client.assert_ended()


# --- What apps are given ---


def seen_headers(client: Client, *headers: tuple[str, str], **options: str) -> dict[str, list[str]]:
    response = client.exchange("GET", "/request", headers, **options)
    assert response.status == 200
    found: dict[str, list[str]] = {}
    for name, value in json.loads(response.body)["headers"]:
        found.setdefault(name, []).append(value)
    return found


def test_underscores_in_names(server: Server, client: Client) -> None:
    """In WSGI `X_Real_Ip` would overwrite `X-Real-Ip`, so it is dropped; ASGI keeps names as they
    are.
    """
    found = seen_headers(client, ("X-Real-Ip", "honest"), ("X_Real_Ip", "forged"))
    assert found["x-real-ip"] == ["honest"]
    if server.kind == "asgi":
        assert found["x_real_ip"] == ["forged"]


def test_header_map_refuse(serve: Serve, wsgi_kind: str) -> None:
    server = serve(None, "--header-map", "refuse", kind=wsgi_kind)
    with Client(server) as client:
        assert client.get("/request", [("X_Real_Ip", "forged")]).status == 400
    assert server.calls() == []


def test_the_absolute_form_overrides_host(server: Server, client: Client) -> None:
    found = seen_headers(client)
    assert found["host"] == ["test"]
    client.send(b"GET http://real.example/request?a=1 HTTP/1.1\r\nHost: forged\r\n\r\n")
    seen = json.loads(client.read().body)
    assert ["host", "real.example"] in seen["headers"] and ["host", "forged"] not in seen["headers"]
    assert (seen["path"], seen["query"]) == ("/request", "a=1")


# --- What apps try to send ---


@pytest.mark.parametrize(
    "name,value",
    [
        ("X-Bad", "a%0d%0aSet-Cookie:%20forged=1"),
        ("X-Bad", "a%0aSet-Cookie:%20forged=1"),
        ("X-Bad", "a%0db"),
        ("X-Bad", "a%00b"),
        ("X%0d%0aSet-Cookie:%20forged=1%0d%0aY", "a"),
        ("X Bad", "a"),
        ("X:Bad", "a"),
        ("", "a"),
        ("Content-Length", "abc"),
        ("Content-Length", "-1"),
    ],
)
def test_a_response_header_cannot_break_out(server: Server, name: str, value: str) -> None:
    """An app that copies input into a header does harm to nobody: 500, and a line in the log."""
    log = len(server.log)
    with Client(server) as client:
        quoted = name.replace(" ", "%20").replace(":", "%3a")
        response = client.get(f"/header?value={value}&name={quoted}")
        assert response.status == 500
        assert not response.all("set-cookie") and b"forged" not in response.body
    if name:
        server.wait_log(r"GET /header", after=log)


def test_a_transfer_coding_is_the_servers_affair(server: Server, client: Client) -> None:
    """ASGI has it ignored, gunicorn ignores it: apps that relay an answer send it. The framing is
    the server's.
    """
    for value in ("chunked", "gzip,chunked", "identity"):
        response = client.get(f"/header?name=Transfer-Encoding&value={value}")
        assert response.status == 200 and response.header("content-length") is not None
        assert response.all("transfer-encoding") == []


def test_chunked_requests_reach_the_app_whole(server: Server, client: Client) -> None:
    client.send(request("POST", "/echo", [("Transfer-Encoding", "chunked")]))
    for byte in chunked(b"hello", b" ", b"w" * 300, trailers=[("x-sum", "1")]):
        client.send(bytes([byte]))
    assert client.read().body == b"hello " + b"w" * 300
    assert client.get("/hello").status == 200
