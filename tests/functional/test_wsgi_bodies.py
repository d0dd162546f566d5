"""Request and response bodies in WSGI: how they are read, where they wait, and that no thread waits
for a client.
"""

from __future__ import annotations

import contextlib
import functools
import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Serve
from cppcorn_server import Server, wait_until
from http_client import Client, chunked, request

Connect = Callable[..., Client]
CHUNKED = [("Transfer-Encoding", "chunked")]


@pytest.fixture
def server(shared: Serve) -> Server:
    return shared("wsgi_cases:app", kind="gthread")


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


def post(target: str, body: bytes, *, coded: bool = False) -> bytes:
    if coded:
        pieces = [body[at : at + 10_000] for at in range(0, len(body), 10_000)]
        return request("POST", target, CHUNKED) + chunked(*pieces)
    return request("POST", target, body=body)


def lines_of(size: int) -> bytes:
    """Lines of many lengths, an empty and a very long one among them, the last without an end."""
    body = b"\n".join(b"line %d " % number * (number % 50) for number in range(1000))
    body += b"\n\n" + b"long " * 5000 + b"\nlast without an end"
    return (body * (size // len(body) + 1))[:size]


def deleted_files(server: Server) -> list[str]:
    """The unlinked files that the worker has open."""
    links = Path(f"/proc/{server.worker_pids[0]}/fd").iterdir()
    targets = []
    for link in links:
        try:
            targets.append(str(link.readlink()))
        except OSError:
            continue
    return [target for target in targets if target.endswith("(deleted)")]


# --- Request bodies ---


@pytest.mark.parametrize("coded", [False, True])
@pytest.mark.parametrize("size", [1, 50_000, 131_072, 131_073, 700_000])
def test_all_ways_to_read(client: Client, size: int, coded: bool) -> None:
    """In memory and in a file, which the size decides."""
    body = lines_of(size)
    if size > 5000:
        client.send(post("/read-pieces", body, coded=coded))
        assert client.read().text == "all as io.BytesIO"
    client.send(post("/read-all", body, coded=coded))
    assert client.read().body == body
    client.send(post("/count-lines", body, coded=coded))
    assert client.read().text == str(len(body.splitlines()))


def test_no_body_reads_as_empty(client: Client) -> None:
    assert client.get("/read-all").body == b""
    client.send(request("POST", "/read-all", CHUNKED) + chunked())
    assert client.read().body == b""


def test_wrong_arguments_raise(client: Client) -> None:
    client.send(post("/wrong-reads", b"still there"))
    assert client.read().body == b"still there"


def test_no_position_is_too_far(client: Client) -> None:
    client.send(post("/seek-too-far", b"0123456789"))
    assert client.read().body == b"2 23456789"


def test_a_chunked_body_has_a_length_for_the_app(client: Client) -> None:
    """Frameworks that read as much as CONTENT_LENGTH says can read it too (RFC 3875 4.1.2)."""
    client.send(request("POST", "/environ", CHUNKED) + chunked(b"abc", b"de"))
    body = client.read().text
    assert '"CONTENT_LENGTH": ["str", "5"]' in body and "TRANSFER_ENCODING" not in body


def test_large_bodies_wait_in_unlinked_files(serve: Serve, connect: Connect, spool: Path) -> None:
    server = serve("wsgi_cases:app", "--tmp-upload-dir", str(spool), kind="gthread")
    client = connect(server)
    body = lines_of(1_000_000)
    client.send(post("/read-all", body)[:900_000])
    wait_until(lambda: deleted_files(server), "a file")
    assert str(spool) in deleted_files(server)[0] and not list(spool.iterdir())
    client.send(post("/read-all", body)[900_000:])
    assert client.read().body == body
    wait_until(lambda: not deleted_files(server), "the file to be gone")


def test_an_upload_that_is_broken_off_leaves_nothing(
    serve: Serve, connect: Connect, spool: Path
) -> None:
    server = serve("wsgi_cases:app", "--tmp-upload-dir", str(spool), kind="gthread")
    for ending in (Client.close, Client.reset):
        client = connect(server)
        client.send(post("/read-all", lines_of(1_000_000))[:900_000])
        wait_until(lambda: deleted_files(server), "a file")
        ending(client)
        wait_until(lambda: not deleted_files(server), "the file to be gone")
    assert not [event for event in server.events() if event["event"] == "call"]


def test_full_spools_are_a_503_and_a_log_line(serve: Serve, connect: Connect) -> None:
    server = serve("wsgi_cases:app", "--spool-max", "300000", kind="gthread")
    client = connect(server)
    first = connect(server)
    first.send(post("/read-all", lines_of(250_000))[:200_000])
    wait_until(lambda: deleted_files(server), "the first body's file")
    client.send_quietly(post("/read-all", lines_of(280_000)))
    assert client.read().status == 503
    server.wait_log(r"503 for POST /read-all: .*--spool-max")
    first.send(post("/read-all", lines_of(250_000))[200_000:])
    assert first.read().body == lines_of(250_000)
    other = connect(server)
    other.send(post("/read-all", lines_of(280_000)))
    assert other.read().status == 200


def test_a_folder_that_vanishes_is_a_503_and_a_log_line(
    serve: Serve, connect: Connect, spool: Path
) -> None:
    server = serve("wsgi_cases:app", "--tmp-upload-dir", str(spool), kind="gthread")
    spool.rmdir()
    client = connect(server)
    client.send_quietly(post("/read-all", lines_of(280_000)))
    assert client.read().status == 503
    server.wait_log(r"503 for POST /read-all: its body cannot be stored: No such file")
    assert connect(server).get("/read-all").status == 200


def full_disk() -> None:
    """No file of the server's may grow beyond this: writing one fails, as when a disk is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))


def test_a_full_disk_is_a_503_and_a_log_line(serve: Serve, connect: Connect) -> None:
    server = serve("wsgi_cases:app", kind="gthread", preexec_fn=full_disk)
    for coded in (False, True):
        client = connect(server)
        client.send_quietly(post("/read-all", lines_of(1_000_000), coded=coded))
        assert client.read().status == 503
    server.wait_log("503 for POST /read-all: its body cannot be stored: File too large")
    wait_until(lambda: not deleted_files(server), "the files to be gone")
    client = connect(server)
    client.send(post("/read-all", lines_of(250_000)))
    assert client.read().body == lines_of(250_000)


def test_a_full_disk_makes_a_response_wait_for_its_client(serve: Serve, connect: Connect) -> None:
    server = serve("wsgi_cases:app", kind="gthread", preexec_fn=full_disk)
    slow = connect(server, receive_buffer=4096)
    slow.send(request(target="/big-blocks?20"))
    server.wait_log("A thread has to wait for a slow client: .*File too large")
    assert connect(server).get("/empty-list").status == 200
    assert slow.read().body == b"y" * 20_000_000


def test_no_descriptor_for_a_body_is_a_503(serve: Serve) -> None:
    def few_descriptors() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    arguments = ("wsgi_cases:app", "--keep-alive", "30")
    server = serve(*arguments, kind="gthread", preexec_fn=few_descriptors)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(server)) for _ in range(80)]
        server.wait_log("(?i)too many open files")
        clients[0].send_quietly(post("/read-all", lines_of(280_000)))
        assert clients[0].read().status == 503
        server.wait_log("503 for POST /read-all: its body cannot be stored: Too many open files")
    with Client(server) as client:
        client.send(post("/read-all", lines_of(280_000)))
        assert client.read().body == lines_of(280_000)


# --- Bodies that stream ---


@pytest.fixture
def streaming(shared: Serve) -> Server:
    return shared("wsgi_cases:app", "--no-request-buffering", kind="gthread")


@pytest.mark.parametrize("coded", [False, True])
def test_unbuffered_bodies_come_as_they_arrive(serve: Serve, connect: Connect, coded: bool) -> None:
    server = serve("wsgi_cases:app", "--no-request-buffering", kind="gthread")
    client = connect(server)
    whole = post("/count", b"x" * 500_000, coded=coded)
    client.send(whole[:100_000])
    server.wait_event(event="first block")
    client.send(whole[100_000:])
    assert client.read().text == "500000"
    client.send(post("/count-lines", lines_of(300_000), coded=coded))
    assert client.read().text == str(len(lines_of(300_000).splitlines()))
    client.send(post("/read-all", lines_of(300_000), coded=coded))
    assert client.read().body == lines_of(300_000)


def test_unbuffered_bodies_have_back_pressure(
    streaming: Server, connect: Connect, tmp_path: Path
) -> None:
    """Nobody reads it: the server takes a bounded part of it, and the app's answer still comes."""
    gate = tmp_path / "gate"
    client = connect(streaming)
    client.socket.settimeout(0.5)
    client.send(request("POST", f"/gate?{gate}", [("Content-Length", "100000000")]))
    with pytest.raises(TimeoutError):
        for _ in range(1000):
            client.send(b"x" * 100_000)
    gate.touch()
    client.socket.settimeout(20)
    assert client.read().body == b"through"


def test_a_broken_unbuffered_body_raises_in_the_app(serve: Serve, connect: Connect) -> None:
    server = serve("wsgi_cases:app", "--no-request-buffering", kind="gthread")
    client = connect(server)
    client.send(post("/read-fails", b"x" * 1000)[:500])
    server.wait_event(event="reading")
    client.reset()
    server.wait_event(event="read failed", error="ConnectionResetError")
    assert connect(server).get("/read-all").status == 200


def test_unbuffered_requests_wait_for_100_continue(streaming: Server, connect: Connect) -> None:
    client = connect(streaming)
    client.send(request("POST", "/count", [("Expect", "100-continue"), ("Content-Length", "5")]))
    assert client.read_head().status == 100
    client.send(b"hello")
    assert client.read().text == "5"


def test_an_unread_expectation_ends_the_connection(streaming: Server, connect: Connect) -> None:
    """And the answer says so: the client may send the body that it announced, or not."""
    client = connect(streaming)
    expects = [("Expect", "100-continue"), ("Content-Length", "5")]
    client.send(request("POST", "/empty-list", expects))
    assert client.read().says_close
    client.assert_ended()


def test_an_unbuffered_body_is_no_other_requests(serve: Serve, connect: Connect) -> None:
    """A thread that still reads when the response is made gets an error, and never a byte of the
    next request, which may use the same memory.
    """
    server = serve("wsgi_cases:app", "--no-request-buffering", "--threads", "1", kind="gthread")
    client = connect(server)
    first = post("/read-by-another-thread", b"x" * 1000)
    client.send(first[:-500])
    assert client.read().header("x-error") == "another thread is reading this body"
    assert "is over" in server.wait_event(event="thread failed")["error"]
    client.send(first[-500:] + post("/read-all", b"second")[:-3], b"ond")
    assert client.read().body == b"second"


# --- Response bodies ---


def test_the_first_block_leaves_at_once(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    server = serve(kind="gthread")
    gate = tmp_path / "gate"
    client = connect(server)
    client.send(request(target=f"/drip?file={gate}"))
    response = client.read_head()
    blocks = client.body_blocks(response)
    assert next(blocks) == b"first"
    gate.touch()
    assert list(blocks) == [b"second"]


def test_quick_blocks_leave_together(server: Server, connect: Connect) -> None:
    client = connect(server)
    response = client.get("/many-blocks")
    assert response.body == b"".join(b"%06d\n" % number for number in range(10_000))


def test_a_stream_ends_with_its_client(serve: Serve, connect: Connect) -> None:
    """The generator is closed, in the thread that ran it, and the thread is free again."""
    server = serve("wsgi_cases:app", "--threads", "1", kind="gthread")

    def closed() -> int:
        return sum(event["event"] == "generator closed" for event in server.events())

    def closed_since(before: int) -> bool:
        return closed() > before

    for ending in (Client.close, Client.reset):
        before = closed()
        client = connect(server)
        client.send(request(target="/endless"))
        assert client.read_head().status == 200
        ending(client)
        wait_until(functools.partial(closed_since, before), "the generator to be closed")
    assert connect(server).get("/empty-list").status == 200


def test_a_thread_is_free_once_its_response_is_buffered(
    serve: Serve, connect: Connect, spool: Path
) -> None:
    """Eight clients that read nothing, one thread, 20 MB each: all are produced at once."""
    server = serve(
        "wsgi_cases:app", "--threads", "1", "--tmp-upload-dir", str(spool), kind="gthread"
    )
    clients = [Client(server, receive_buffer=4096) for _ in range(8)]
    for client in clients:
        client.send(request(target="/big-blocks?20"))

    def produced() -> int:
        return sum(event["event"] == "all produced" for event in server.events())

    wait_until(lambda: produced() == len(clients), "all responses to be produced")
    assert connect(server).get("/empty-list").status == 200
    assert len(deleted_files(server)) == len(clients) and not list(spool.iterdir())
    for client in clients[:2]:
        assert client.read().body == b"y" * 20_000_000
    for client in clients:
        client.reset()
    wait_until(lambda: not deleted_files(server), "the files to be gone")


def test_beyond_the_bound_a_thread_waits(serve: Serve, connect: Connect) -> None:
    server = serve(
        "wsgi_cases:app",
        *("--response-buffer-memory", "100000", "--response-buffer-max", "3000000"),
        kind="gthread",
    )
    slow = Client(server, receive_buffer=4096)
    slow.send(request(target="/big-blocks?30"))
    response = slow.read_head()
    assert connect(server).get("/empty-list").status == 200
    time.sleep(0.3)  # it must not be done, and there is no event for what does not happen
    assert not any(event["event"] == "all produced" for event in server.events())
    assert sum(len(block) for block in slow.body_blocks(response)) == 30_000_000
    server.wait_event(event="all produced")
    slow.close()


def test_large_bodies_are_freed_when_sent(serve: Serve, connect: Connect) -> None:
    """By a pool thread, without another request: __del__ is Python, and nobody else has the GIL."""
    server = serve("wsgi_cases:app", kind="gthread")
    client = connect(server)
    client.send(request(target="/big-body?3000000"))
    response = client.read_head()
    assert sum(len(block) for block in client.body_blocks(response)) == 3_000_000
    freed = server.wait_event(event="body freed")
    assert freed["thread"].startswith("cppcorn-")
