"""An app between which and the server stands wsgiref.validate: whatever PEP 3333 forbids becomes a
500 and a traceback.
"""

from __future__ import annotations

from wsgiref.validate import validator


class Blocks:
    """An iterable that is no list, with a close()."""

    def __init__(self, blocks):
        self.blocks = iter(blocks)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.blocks)

    def close(self):
        pass


def plain(environ, start_response):
    path = environ["PATH_INFO"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    stream = environ["wsgi.input"]
    if path == "/read":
        blocks = []
        while block := stream.read(1000):
            blocks.append(block)
        return blocks
    if path == "/lines":
        return [b"%d" % len(stream.readlines(100000))]
    if path == "/iterate":
        return Blocks([b"%d" % sum(len(line) for line in stream)])
    if path == "/readline":
        return [stream.readline(50), b"|", stream.readline(50)]
    if path == "/blocks":
        return Blocks([b"one ", b"", b"two"])
    environ["wsgi.errors"].write(f"validated {path}\n")
    environ["wsgi.errors"].flush()
    return [b"plain"]


def writing(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    write(b"written ")
    return [b"and returned"]


def replacing(environ, start_response):
    """Starts a response, fails, and starts another with exc_info, as error middleware does."""
    import sys

    start_response("200 OK", [("Content-Type", "text/plain")])
    try:
        raise ValueError("deliberate")
    except ValueError:
        error = [("Content-Type", "text/plain"), ("X-Replaced", "yes")]
        start_response("503 Service Unavailable", error, sys.exc_info())
    return [b"replaced"]


_validated = {"/writing": validator(writing), "/replacing": validator(replacing)}
_validated_plain = validator(plain)


def app(environ, start_response):
    return _validated.get(environ["PATH_INFO"], _validated_plain)(environ, start_response)
