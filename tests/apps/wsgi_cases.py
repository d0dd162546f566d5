"""Apps for what PEP 3333 says line by line: one per route, named like the function."""

from __future__ import annotations

import gzip
import io
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

from probe import record


def app(environ, start_response):
    route = globals().get(environ["PATH_INFO"].strip("/").replace("-", "_"))
    if not callable(route):
        start_response("404 Not Found", [])
        return [b"no such case"]
    return route(environ, start_response)


class Closing:
    """An iterable that records what becomes of it."""

    def __init__(self, blocks, *, error=None, length=None):
        self.blocks = iter(blocks)
        self.error = error
        self.length = length

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.blocks)

    def close(self):
        record("closed")
        if self.error:
            raise self.error


class Sized(Closing):
    def __len__(self):
        return self.length


def environ(environ, start_response):
    """What is in it, with its types; objects by the names of their types."""
    plain = {
        key: [type(value).__name__, value if isinstance(value, str | bool | tuple) else None]
        for key, value in environ.items()
    }
    start_response("200 OK", [])
    return [json.dumps(plain).encode()]


def environ_is_a_plain_dict(environ, start_response):
    assert type(environ) is dict
    environ["wsgi.errors"].writelines(["to the ", "error stream\n"])
    environ["wsgi.errors"].flush()
    kept.append((environ, start_response, start_response("200 OK", [])))
    return [b"kept"]


kept = []


def use_what_was_kept(environ, start_response):
    """The environ and the callables of a request that is over: they must fail, not crash."""
    old, start, write = kept.pop()
    said = [old["wsgi.input"].read().decode()]
    for call in (lambda: start("200 OK", []), lambda: write(b"x")):
        try:
            call()
        except RuntimeError as error:
            said.append(str(error))
    start_response("200 OK", [])
    return ["|".join(said).encode()]


def thread(environ, start_response):
    start_response("200 OK", [])
    current = threading.current_thread()
    return [f"{type(current).__name__} {current.name} {current.daemon}".encode()]


def empty_list(environ, start_response):
    start_response("200 OK", [])
    return []


def empty_blocks(environ, start_response):
    start_response("200 OK", [])
    return iter([b"", b"", b"first", b"", b"second", b""])


def several_in_a_list(environ, start_response):
    start_response("200 OK", [])
    return [b"one", b"", b"two", b"three"]


def one_in_a_sized(environ, start_response):
    start_response("200 OK", [])
    return Sized([b"only"], length=1)


def closing(environ, start_response):
    start_response("200 OK", [])
    return Closing([b"a", b"b"])


def close_raises(environ, start_response):
    start_response("200 OK", [("Content-Length", "4")])
    return Closing([b"good"], error=ValueError("deliberate in close"))


def close_after_error(environ, start_response):
    def blocks():
        yield b"before"
        raise ValueError("deliberate in the iteration")

    start_response("200 OK", [])
    return Closing(blocks())


def late_start(environ, start_response):
    """start_response() in the first step of the iteration, as generators do."""
    start_response("201 Created", [("X-Late", "yes")])
    yield b"late"


def never_started(environ, start_response):
    return [b"body without a head"]


def never_started_empty(environ, start_response):
    return []


def returns_none(environ, start_response):
    start_response("200 OK", [])


def returns_text(environ, start_response):
    start_response("200 OK", [])
    return ["text"]


def returns_bytes(environ, start_response):
    start_response("200 OK", [])
    return b"bytes"


def text_in_the_middle(environ, start_response):
    start_response("200 OK", [])
    return Closing([b"bytes", "text"])


def started_twice(environ, start_response):
    start_response("200 OK", [])
    start_response("200 OK", [])
    return [b""]


def replaced(environ, start_response):
    start_response("200 OK", [("X-First", "yes")])
    try:
        raise ValueError
    except ValueError:
        start_response("418 I'm a teapot", [("X-Second", "yes")], sys.exc_info())
    return [b"replaced"]


def replaced_by_name(environ, start_response):
    start_response("200 OK", [])
    try:
        raise ValueError
    except ValueError:
        start_response(
            status="503 Busy", response_headers=[("X-Named", "yes")], exc_info=sys.exc_info()
        )
    return [b"replaced"]


def replaced_too_late(environ, start_response):
    start_response("200 OK", [])
    yield b"sent"
    try:
        raise LookupError("deliberate, too late")
    except LookupError:
        start_response("500 Too Late", [], sys.exc_info())
    yield b"never"


def mended(environ, start_response):
    """A head that is refused may be followed by a better one."""
    try:
        start_response("200 OK", [("Good", "1"), ("Bad\n", "2")])
    except ValueError:
        start_response("200 OK", [("Mended", "yes")])
    return [b"mended"]


def written(environ, start_response):
    write = start_response("200 OK", [])
    for word in (b"written ", b"", b"by "):
        assert write(word) is None
    return iter([b"write"])


def written_too_long(environ, start_response):
    write = start_response("200 OK", [("Content-Length", "5")])
    for _ in range(3):
        write(b"0123")
    return []


def written_only(environ, start_response):
    start_response("200 OK", [("Content-Length", "7")])(b"written")
    return []


def bad_heads(environ, start_response):
    """Every wrong call raises in the app, and leaves the response to be started."""
    cases = [
        ("200", None),
        ("2000 OK", []),
        ("20 OK", []),
        ("OK", []),
        ("199 Early", []),
        (b"200 OK", []),
        (200, []),
        ("200 OK\r\nX: y", []),
        ("200 \u20ac", []),
        ("200 OK", {"a": "b"}),
        ("200 OK", [("a",)]),
        ("200 OK", [("a", "b", "c")]),
        ("200 OK", [(b"a", "b")]),
        ("200 OK", [("a", b"b")]),
        ("200 OK", [("a", 1)]),
        ("200 OK", [("a b", "c")]),
        ("200 OK", [("", "c")]),
        ("200 OK", [("a", "b\r\nc: d")]),
        ("200 OK", [("a", "b\0")]),
        ("200 OK", [("a", "\u20ac")]),
        ("200 OK", [("Content-Length", "x")]),
        ("200 OK", [("Content-Length", "-1")]),
        ("200 OK", [("Content-Length", "1"), ("Content-Length", "2")]),
    ]
    taken = []
    for status, headers in cases:
        try:
            start_response(status, headers)
        except (TypeError, ValueError):
            continue
        taken.append(repr((status, headers)))
        break
    else:
        start_response("200 OK", [("X-All", "raised")])
    return ["; ".join(taken).encode()]


def latin_1(environ, start_response):
    start_response("200 Fünf", [("X-Umlaut", "grün")])
    return [b""]


def hop_by_hop(environ, start_response):
    headers = [("Connection", "keep-alive"), ("Keep-Alive", "timeout=5"), ("Upgrade", "x")]
    start_response("200 OK", headers)
    return [b"ok"]


def wants_close(environ, start_response):
    start_response("200 OK", [("Connection", "close")])
    return [b"bye"]


def generator_exit(environ, start_response):
    raise GeneratorExit


def keyboard_interrupt(environ, start_response):
    raise KeyboardInterrupt


def generated_headers(environ, start_response):
    """Which Python code makes, while it is begun."""

    def headers():
        yield ("X-First", "1")
        if environ["QUERY_STRING"] == "fail":
            raise LookupError("deliberate in the headers")
        yield ("X-Second", "2")

    start_response("200 OK", headers())
    return [b"generated"]


def headers_of_a_late_thread(environ, start_response):
    """Their code waits until the request is over, in another thread."""
    over = threading.Event()

    def headers():
        record("making headers")
        over.wait(20)
        yield ("X-Late", "1")

    def start():
        try:
            start_response("200 OK", headers())
        except RuntimeError as error:
            record("late start", error=str(error))

    threading.Thread(target=start).start()
    start_response("200 OK", [])
    kept.append(over)
    return [b"over"]


def let_late_threads_go(environ, start_response):
    kept.pop().set()
    start_response("200 OK", [])
    time.sleep(0.05)
    return [b"went on"]


class ClassApp:
    """PEP 3333's other form: the class is the app, and the instance the iterable."""

    def __init__(self, environ, start_response):
        self.start = start_response

    def __iter__(self):
        self.start("200 OK", [])
        yield b"class"


class_app = ClassApp


# --- Files ---


def _file(size=200_000):
    file = tempfile.TemporaryFile()  # noqa: SIM115
    file.write(bytes(range(256)) * (size // 256 + 1))
    file.truncate(size)
    file.seek(0)
    return file


def file(environ, start_response):
    start_response("200 OK", [])
    return environ["wsgi.file_wrapper"](_file())


def file_rest(environ, start_response):
    """From where it stands, which for a buffered file is not where its descriptor stands."""
    opened = _file()
    opened.read(1000)
    start_response("200 OK", [])
    return environ["wsgi.file_wrapper"](opened, 4096)


def file_part(environ, start_response):
    start_response("206 Partial Content", [("Content-Length", "1234")])
    return environ["wsgi.file_wrapper"](_file())


def file_short(environ, start_response):
    start_response("200 OK", [("Content-Length", "300000")])
    return environ["wsgi.file_wrapper"](_file())


def file_empty(environ, start_response):
    start_response("200 OK", [])
    return environ["wsgi.file_wrapper"](_file(0))


def file_in_memory(environ, start_response):
    start_response("200 OK", [])
    return environ["wsgi.file_wrapper"](io.BytesIO(b"memory" * 10_000), 1000)


def file_closed_at_once(environ, start_response):
    """close() may come before the last byte has left: the descriptor must not be taken away."""

    class Recording:
        def __init__(self, opened):
            self.fileno, self.read, self.tell = opened.fileno, opened.read, opened.tell
            self._close = opened.close

        def close(self):
            record("file closed")
            self._close()

    start_response("200 OK", [])
    return environ["wsgi.file_wrapper"](Recording(_file(5_000_000)))


def file_compressed(environ, start_response):
    """It has a descriptor, of the compressed file: what is meant is what read() gives."""
    stored = tempfile.TemporaryFile()  # noqa: SIM115
    with gzip.GzipFile(fileobj=stored, mode="wb") as packed:
        packed.write(b"packed" * 10_000)
    stored.seek(0)
    opened = gzip.GzipFile(fileobj=stored)
    start_response("200 OK", [])
    buffered = environ["QUERY_STRING"] == "buffered"
    return environ["wsgi.file_wrapper"](io.BufferedReader(opened) if buffered else opened)


def file_behind_another(environ, start_response):
    """An object that hands out the methods of its file, like Django's File."""

    class File:
        def __init__(self, opened):
            self.opened = opened

        read = property(lambda self: self.opened.read)
        close = property(lambda self: self.opened.close)

    opened = _file()
    opened.read(1000)
    start_response("200 OK", [])
    return environ["wsgi.file_wrapper"](File(opened))


def file_raw(environ, start_response):
    path = Path(__file__)
    start_response("200 OK", [("X-Size", str(path.stat().st_size))])
    return environ["wsgi.file_wrapper"](io.FileIO(path))


def file_without_size(environ, start_response):
    start_response("200 OK", [])
    return environ["wsgi.file_wrapper"](open("/proc/self/cmdline", "rb"))


def file_of_text(environ, start_response):
    start_response("200 OK", [])
    return environ["wsgi.file_wrapper"](open(__file__))


def file_wrapped_again(environ, start_response):
    """A middleware took one block of it."""
    wrapper = environ["wsgi.file_wrapper"](io.BytesIO(b"0123456789"), 4)
    first = next(wrapper)
    start_response("200 OK", [])
    return Closing([first, *wrapper])


def file_attributes(environ, start_response):
    source = io.BytesIO(b"x")
    wrapper = environ["wsgi.file_wrapper"](source, blksize=7)
    start_response("200 OK", [])
    wrapper.close()
    return [f"{wrapper.filelike is source} {wrapper.blksize} {source.closed}".encode()]


# --- The request's body ---


def read_all(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [])
    return [body, environ["wsgi.input"].read(), environ["wsgi.input"].readline()]


def read_pieces(environ, start_response):
    """Every method of wsgi.input against io.BytesIO, which says what is right."""
    stream = environ["wsgi.input"]
    model = io.BytesIO(stream.read())
    stream.seek(0)
    steps = [
        ("read", 10),
        ("readline",),
        ("readline", 5),
        ("readline", 0),
        ("readline", -1),
        ("read", 0),
        ("readline", 100_000),
        ("readlines", 50),
        ("tell",),
        ("read", None),
        ("seek", 3),
        ("readlines",),
        ("read", 5),
        ("seek", -7, 2),
        ("read1", 3),
        ("tell",),
        ("seek", 0),
        ("readline", None),
        ("readlines", None),
    ]
    for name, *arguments in steps * 2:
        got, wanted = getattr(stream, name)(*arguments), getattr(model, name)(*arguments)
        assert got == wanted, (name, arguments, got[:50], wanted[:50])
    stream.seek(0)
    assert list(stream) == model.getvalue().splitlines(keepends=True)
    stream.seek(0)
    buffer = bytearray(7)
    assert stream.readinto(buffer) == 7 and bytes(buffer) == model.getvalue()[:7]
    stream.seek(0)
    assert io.BufferedReader(stream).read() == model.getvalue()
    assert stream.readable() and stream.seekable() and not stream.writable()
    start_response("200 OK", [])
    return [b"all as io.BytesIO"]


def wrong_reads(environ, start_response):
    stream = environ["wsgi.input"]
    for call in (
        lambda: stream.read("x"),
        lambda: stream.read(1, 2),
        lambda: stream.seek(-1),
        lambda: stream.seek(0, 7),
        lambda: type(stream)(),
        lambda: stream.readinto(b"const"),
    ):
        try:
            call()
        except (TypeError, ValueError, BufferError):
            continue
        raise AssertionError("that should have raised")
    start_response("200 OK", [])
    return [stream.read()]


def count(environ, start_response):
    """Reads as it comes; tells when the first block was there."""
    stream = environ["wsgi.input"]
    total = 0
    while block := stream.read(1000):
        if not total:
            record("first block")
        total += len(block)
    start_response("200 OK", [])
    return [b"%d" % total]


def count_lines(environ, start_response):
    start_response("200 OK", [])
    return [b"%d" % sum(1 for _ in environ["wsgi.input"])]


def read_fails(environ, start_response):
    record("reading")
    try:
        environ["wsgi.input"].read()
    except OSError as error:
        record("read failed", error=type(error).__name__)
        raise
    start_response("200 OK", [])
    return [b"read"]


def read_by_another_thread(environ, start_response):
    """A thread goes on to read the body when the request is over."""
    stream = environ["wsgi.input"]

    def read():
        try:
            record("thread read", body=stream.read().decode())
        except (ValueError, OSError) as error:
            record("thread failed", error=str(error))

    threading.Thread(target=read).start()
    while True:
        try:
            stream.read(0)
        except RuntimeError as error:
            start_response("200 OK", [("X-Error", str(error))])
            return []
        time.sleep(0.001)


def seek_too_far(environ, start_response):
    stream = environ["wsgi.input"]
    stream.read(2)
    refused = 0
    for whence in (1, 2):
        try:
            stream.seek(2**63 - 1, whence)
        except ValueError:
            refused += 1
    start_response("200 OK", [])
    return [b"%d " % refused, stream.read()]


# --- Streams ---


def endless(environ, start_response):
    def blocks():
        try:
            while True:
                yield b"x" * 1000
        finally:
            record("generator closed")

    start_response("200 OK", [])
    return blocks()


def many_blocks(environ, start_response):
    """Many blocks in no time: they leave together, but for the first."""
    start_response("200 OK", [])
    return (b"%06d\n" % number for number in range(10_000))


def big_blocks(environ, start_response):
    def blocks():
        for _ in range(int(environ["QUERY_STRING"])):
            yield b"y" * 1_000_000
        record("all produced")

    start_response("200 OK", [])
    return blocks()


class Watched(bytes):
    def __del__(self):
        record("body freed", thread=threading.current_thread().name)


def big_body(environ, start_response):
    start_response("200 OK", [])
    return [Watched(int(environ["QUERY_STRING"]))]


def gate(environ, start_response):
    """Waits for a file; for as long a thread is taken."""
    while not Path(environ["QUERY_STRING"]).exists():
        time.sleep(0.01)
    start_response("200 OK", [])
    return [b"through"]
