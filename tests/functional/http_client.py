"""A raw HTTP/1.1 client that sends exactly the bytes it is told to, and a strict parser of what
comes back.

The parser forgives nothing: whatever RFC 9112 does not allow in a response is an AssertionError, so
each test that reads a response also tests the encoder.
"""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cppcorn_server import Server

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ([\t \x21-\x7e\x80-\xff]*)")
FIELD_VALUE = re.compile(rb"([\x21-\x7e\x80-\xff]([\t \x21-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")
CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,15}")

Headers = list[tuple[str, str]]


class ConnectionEnded(AssertionError):
    """The server ended the connection where more was due."""


@dataclass
class Response:
    status: int
    reason: str
    headers: Headers
    body: bytes = b""
    trailers: Headers = field(default_factory=list)
    informational: list[Response] = field(default_factory=list)
    chunks: list[int] = field(default_factory=list)  # sizes, when it came chunked
    until_close: bool = False

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        values = self.all(name)
        assert len(values) <= 1, f"{name} is there {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def says_close(self) -> bool:
        return any(
            part.strip().lower() == "close"
            for value in self.all("connection")
            for part in value.split(",")
        )


def request(
    method: str = "GET",
    target: str = "/",
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    *,
    host: str | None = "test",
    version: str = "1.1",
    length: bool = True,
) -> bytes:
    """The bytes of a request. A Content-Length is added for a body unless length is False."""
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in headers]
    if body and length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(*blocks: bytes, trailers: Iterable[tuple[str, str]] = ()) -> bytes:
    """The blocks in chunked coding, complete."""
    coded = b"".join(b"%x\r\n%s\r\n" % (len(block), block) for block in blocks)
    return coded + b"0\r\n" + b"".join(f"{n}: {v}\r\n".encode() for n, v in trailers) + b"\r\n"


class Client:
    """One connection. Use as a context manager, or let the `client` fixture close it."""

    def __init__(
        self, server: Server, timeout_s: float = 20.0, receive_buffer: int | None = None
    ) -> None:
        if receive_buffer is None:
            self.socket = server.connect(timeout_s)
        else:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self.socket.settimeout(timeout_s)
            self.socket.connect(server.address)
        self._buffer = bytearray()
        self._ended = False
        self.bytes_read = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- Sending ---

    def send(self, *pieces: bytes) -> Client:
        """Each piece is a write of its own."""
        for piece in pieces:
            self.socket.sendall(piece)
        return self

    def send_quietly(self, data: bytes) -> None:
        """For a server that may have answered and closed already, as it should."""
        with contextlib.suppress(OSError):
            self.socket.sendall(data)

    def half_close(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Ends the connection with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def close(self) -> None:
        self.socket.close()

    # --- Receiving ---

    def _more(self) -> bool:
        if self._ended:
            return False
        try:
            data = self.socket.recv(262144)
        except ConnectionResetError:
            data = b""
        except TimeoutError:
            raise AssertionError(
                f"nothing more came in time; before it: {bytes(self._buffer[-300:])!r}"
            ) from None
        self._ended = not data
        self.bytes_read += len(data)
        self._buffer += data
        return bool(data)

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if not self._more():
                raise ConnectionEnded(
                    f"{len(self._buffer)} of {size} bytes: {bytes(self._buffer[:200])!r}"
                )
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            assert len(self._buffer) < 1 << 20, "a line without an end"
            if not self._more():
                raise ConnectionEnded(f"ended inside a line: {bytes(self._buffer[:200])!r}")
        line = self._take(end + 1)
        assert line.endswith(b"\r\n"), f"a line must end with CR LF: {line!r}"
        assert b"\r" not in line[:-2], f"a stray CR: {line!r}"
        return line[:-2]

    def _fields(self) -> Headers:
        fields: Headers = []
        while line := self._line():
            name, colon, value = line.partition(b":")
            assert colon and TOKEN.fullmatch(name), f"not a field: {line!r}"
            value = value.strip(b" \t")
            assert FIELD_VALUE.fullmatch(value), f"not a field value: {line!r}"
            fields.append((name.decode(), value.decode("latin-1")))
        return fields

    def read_head(self) -> Response:
        """The next head, informational or final, without its body."""
        line = self._line()
        match = STATUS_LINE.fullmatch(line)
        assert match, f"not a status line: {line!r}"
        return Response(int(match[1]), match[2].decode("latin-1"), self._fields())

    def read(self, method: str = "GET") -> Response:
        """The next whole response to a request of that method; 1xx before it are in
        .informational.
        """
        informational = []
        head = self.read_head()
        while head.status < 200:
            assert not head.all("content-length") and not head.all("transfer-encoding"), (
                "a 1xx has no body"
            )
            informational.append(head)
            head = self.read_head()
        head.informational = informational
        self.read_body(head, method)
        return head

    def read_body(self, response: Response, method: str = "GET") -> None:
        for block in self.body_blocks(response, method):
            response.body += block

    def body_blocks(self, response: Response, method: str = "GET") -> Iterator[bytes]:
        lengths, codings = response.all("content-length"), response.all("transfer-encoding")
        assert len(lengths) <= 1 and len(codings) <= 1, f"framing twice: {response.headers}"
        assert not (lengths and codings), (
            f"Content-Length and Transfer-Encoding: {response.headers}"
        )
        if response.status == 204:
            assert not lengths and not codings, "a 204 has no framing field (RFC 9110 8.6)"
        if method == "HEAD" or response.status in (204, 304):
            return
        if codings:
            assert codings == ["chunked"], codings
            yield from self._chunks(response)
        elif lengths:
            assert re.fullmatch("[0-9]+", lengths[0]), lengths
            yield from self._sized(int(lengths[0]))
        else:
            assert response.says_close, "without framing the end must be the connection's"
            response.until_close = True
            while self._buffer or self._more():
                yield self._take(len(self._buffer))

    def _sized(self, left: int) -> Iterator[bytes]:
        while left:
            block = self._take(min(left, max(1, len(self._buffer))))
            left -= len(block)
            yield block

    def _chunks(self, response: Response) -> Iterator[bytes]:
        while True:
            line = self._line()
            assert CHUNK_SIZE.fullmatch(line), f"not a chunk size: {line!r}"
            size = int(line, 16)
            response.chunks.append(size)
            if size == 0:
                response.trailers = self._fields()
                return
            yield self._take(size)
            assert self._take(2) == b"\r\n", "a chunk ends with CR LF"

    def get(
        self, target: str = "/", headers: Iterable[tuple[str, str]] = (), **options: object
    ) -> Response:
        return self.exchange("GET", target, headers, **options)

    def exchange(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        **options: object,
    ) -> Response:
        self.send(request(method, target, headers, body, **options))  # type: ignore[arg-type]
        return self.read(method)

    def assert_ended(self, timeout_s: float = 20.0) -> None:
        """The server closes (FIN or RST) and nothing came before."""
        rest = self.read_to_end(timeout_s)
        assert not rest, f"bytes where the end was due: {rest[:300]!r}"

    def read_to_end(self, timeout_s: float = 20.0) -> bytes:
        """Everything until the server closes."""
        self.socket.settimeout(timeout_s)
        while self._more():
            pass
        return self._take(len(self._buffer))

    def assert_quiet(self, for_s: float) -> None:
        """Nothing comes and the connection stays, for so long. For what must not happen there is
        only waiting.
        """
        self.socket.settimeout(for_s)
        try:
            data = self.socket.recv(1000)
        except TimeoutError:
            return
        raise AssertionError(
            f"expected silence, got {data!r}" if data else "expected silence, got the end"
        )


def responses_in(data: bytes) -> int:
    """How many final responses a byte string holds, for what was read to the end of a
    connection.
    """
    return len(re.findall(rb"HTTP/1\.1 [2-5]", data))


def timed(action: object) -> float:
    """Seconds that a call takes."""
    began = time.monotonic()
    action()  # type: ignore[operator]
    return time.monotonic() - began
