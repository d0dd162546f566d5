"""Fixtures of the functional tests: the real binary, port 0, bounded waits. See README.md beside
this file.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cppcorn_server import Server
from http_client import Client
from master_harness import run_master

__all__ = ["run_master"]  # a fixture

KINDS = ("asgi", "gthread", "sync")
WSGI_KINDS = ("gthread", "sync")

Serve = Callable[..., Server]


def common_app(kind: str) -> str:
    """The probe app of that worker kind; both answer the same routes the same way
    (tests/apps/README.md).
    """
    return "common_asgi:app" if kind == "asgi" else "common_wsgi:app"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """The worker kind: a test that asks for it runs once in each."""
    return request.param


@pytest.fixture(params=WSGI_KINDS)
def wsgi_kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """serve(app, *args, kind=…, env=…, workers=1, ready=True) starts a server of the test's own and
    waits until it is ready.

    Without an app it takes the common one of that kind. At the end every server is stopped with
    TERM and must have exited with server.expected_code.
    """
    servers: list[Server] = []

    def start(
        app: str | None = None, *args: str, workers: int = 1, ready: bool = True, **options: Any
    ) -> Server:
        if app is None and options.get("kind"):
            app = common_app(options["kind"])
        if workers != 1:
            args = ("-w", str(workers), *args)
        server = Server(app, args, tmp_path / f"server-{len(servers)}", **options)
        servers.append(server)
        return server.wait_ready(workers) if ready else server

    yield start
    _finish_all(servers)


class SharedServers:
    """Servers that many tests of one pytest process use: a start costs more than a hundred
    requests.
    """

    def __init__(self, folder: Callable[[str], Path]) -> None:
        self._folder = folder
        self._servers: dict[tuple[Any, ...], Server] = {}
        self._numbers = itertools.count()

    def get(self, app: str, *args: str, kind: str | None) -> Server:
        key = (app, args, kind)
        server = self._servers.get(key)
        if server is None or not server.running:
            server = Server(app, args, self._folder(f"shared-{next(self._numbers)}"), kind=kind)
            self._servers[key] = server
            server.wait_ready()
        return server

    def finish(self) -> None:
        _finish_all(list(self._servers.values()))


def _finish_all(servers: list[Server]) -> None:
    failures = []
    for server in servers:
        try:
            server.finish()
        except AssertionError as failure:
            failures.append(str(failure))
    assert not failures, "\n".join(failures)


@pytest.fixture(scope="session")
def _shared_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedServers]:
    servers = SharedServers(lambda name: tmp_path_factory.mktemp(name))
    yield servers
    servers.finish()


@pytest.fixture
def shared(_shared_servers: SharedServers) -> Iterator[Serve]:
    """shared(app, *args, kind=…): a server that later tests with the same arguments use too.

    After each test it must still run, in the same worker, and have written nothing that looks like
    a crash.
    """
    used: list[tuple[Server, list[int]]] = []

    def get(app: str | None = None, *args: str, kind: str | None = None) -> Server:
        if app is None and kind:
            app = common_app(kind)
        assert app
        server = _shared_servers.get(app, *args, kind=kind)
        used.append((server, server.worker_pids))
        return server

    yield get
    for server, worker_pids in used:
        assert server.running, f"the server ended with {server.process.returncode}\n{server.log}"
        server.check_healthy()
        assert server.worker_pids == worker_pids, f"a worker was replaced\n{server.log}"


@pytest.fixture
def server(shared: Serve, kind: str) -> Server:
    """The common app with default settings, once for each worker kind."""
    return shared(kind=kind)


@pytest.fixture
def connect() -> Iterator[Callable[..., Client]]:
    """connect(server): a raw client that is closed at the test's end."""
    clients: list[Client] = []

    def open_client(server: Server, **options: Any) -> Client:
        clients.append(Client(server, **options))
        return clients[-1]

    yield open_client
    for client in clients:
        client.close()


@pytest.fixture
def client(server: Server, connect: Callable[..., Client]) -> Client:
    """A connection to `server`."""
    return connect(server)
