"""The servers that compare.py knows.

A command may use these placeholders:
  {port} {workers}          chosen by the harness
  {app}                     module:attribute, importable from apps/
  {bin} {python} {venv}     the virtual environment of the peers
  {here} {build}            this directory, and what setup.sh built
  {cert} {key} {static}     TLS files, and the directory of static files
"""

import re
from dataclasses import dataclass, replace

KINDS = ("wsgi", "asgi", "fixed")
FEATURES = ("ws", "tls", "h2", "static", "workers")


@dataclass(frozen=True)
class Server:
    name: str
    kind: str  # wsgi, asgi, or fixed: answers by itself, without the workload's app (a reference, not a peer)
    command: str
    does: frozenset = frozenset()  # from FEATURES
    tls: str = ""  # appended to the command when a workload wants TLS,
    h2: str = ""  # HTTP/2,
    files: str = ""  # static files
    many: str = ""  # or thousands of connections
    app: str = ""  # served instead of the workload's app when it wants static files
    only: tuple = ()  # the only workloads that this server is for; empty: all of its kind


def server(name, kind, command, does="", **more):
    return Server(name, kind, " ".join(command.split()), frozenset(does.split()), **more)


def gunicorn(name, kind, options, does="tls workers", **more):
    command = "{bin}/gunicorn -b 127.0.0.1:{port} -w {workers} --log-level warning --keep-alive 75 "
    if "h2" in does.split():
        more.setdefault("h2", "--http-protocols h2,h1")
    return server(
        name,
        kind,
        command + options + " {app}",
        does,
        tls="--certfile {cert} --keyfile {key}",
        many="--worker-connections 12000",
        **more,
    )


def uvicorn(name, options, does="ws tls workers", **more):
    command = "{bin}/uvicorn --host 127.0.0.1 --port {port} --workers {workers} --no-access-log --log-level warning "
    return server(
        name,
        "asgi",
        command + "--timeout-keep-alive 75 --backlog 4096 " + options + " {app}",
        does,
        tls="--ssl-certfile {cert} --ssl-keyfile {key}",
        **more,
    )


def granian(name, kind, options, does="tls h2 workers", **more):
    command = f"{{bin}}/granian --interface {kind} --host 127.0.0.1 --port {{port}} --workers {{workers}} "
    return server(
        name,
        kind,
        command + "--backlog 4096 --log-level warning " + options + " {app}",
        does,
        tls="--ssl-certificate {cert} --ssl-keyfile {key}",
        many="--backlog 16384 --backpressure 16384",
        files="--static-path-route /static --static-path-mount {static}",
        **more,
    )


def launched(name, kind, does="", **more):
    """A server that launch.py starts; it takes TLS and static files from the environment."""
    program = name.partition("-")[0]
    return server(
        name,
        kind,
        f"{{python}} {{here}}/launch.py {program} {{port}} {{app}} {{workers}}",
        does,
        **more,
    )


UWSGI = (
    "{bin}/uwsgi --master --need-app --die-on-term --disable-logging --listen 4096 --threads 4 "
    "--processes {workers} --virtualenv {venv} --pythonpath . --module {app} "
)


def cppcorn(name, kind, options):
    command = "{bin}/cppcorn -b 127.0.0.1:{port} -w {workers} --log-level warning --keep-alive 75 --backlog 4096 "
    return server(
        name, kind, command + options + " {app}", "workers", many="--worker-connections 12000"
    )


SERVERS = [
    # This project
    cppcorn("cppcorn-asgi", "asgi", "-k asgi"),
    cppcorn("cppcorn-gthread-t4", "wsgi", "-k gthread --threads 4"),
    cppcorn("cppcorn-sync", "wsgi", "-k sync"),
    # WSGI
    gunicorn("gunicorn-sync", "wsgi", "-k sync"),
    gunicorn(
        "gunicorn-gthread",
        "wsgi",
        "-k gthread --threads 4",
        "tls h2 static workers",
        app="whitenoise_app:app",
    ),
    gunicorn(
        "gunicorn-gthread-pyparser",
        "wsgi",
        "-k gthread --threads 4 --http-parser python",
        "workers",
        only=("wsgi-hello",),
    ),
    gunicorn("gunicorn-gevent", "wsgi", "-k gevent", "tls workers"),
    launched("gevent-pywsgi", "wsgi", "tls"),
    server(
        "gevent-pywsgi-default",
        "wsgi",
        "env BENCH_NAGLE=1 {python} {here}/launch.py gevent {port} {app}",
        only=("wsgi-hello", "ab-1000c100"),
    ),
    server(
        "uwsgi-http",
        "wsgi",
        UWSGI + "--http 127.0.0.1:{port} --http-keepalive=75 --http-timeout 75",
        "workers",
    ),
    server("uwsgi-http11-socket", "wsgi", UWSGI + "--http11-socket 127.0.0.1:{port}", "workers"),
    launched("bjoern", "wsgi"),
    launched("fastwsgi", "wsgi", "workers"),
    launched("fastpysgi-wsgi", "wsgi", "tls workers"),
    server(
        "fastpysgi-wsgi-default",
        "wsgi",
        "env BENCH_NAGLE=1 {python} {here}/launch.py fastpysgi {port} {app}",
        only=("stream-100x1k", "pipelined-16"),
    ),
    granian("granian-wsgi-t1", "wsgi", "--no-ws --blocking-threads 1", "tls h2 static workers"),
    granian("granian-wsgi-t4", "wsgi", "--no-ws --blocking-threads 4", "tls h2 workers"),
    server(
        "waitress",
        "wsgi",
        "{bin}/waitress-serve --listen=127.0.0.1:{port} --threads=4 --backlog=4096 "
        "--connection-limit=12000 --asyncore-use-poll {app}",
    ),
    server(
        "cheroot",
        "wsgi",
        "{bin}/cheroot --bind 127.0.0.1:{port} --threads 4 --timeout 75 "
        "--request-queue-size 4096 {app}",
    ),
    server(
        "socketify-wsgi",
        "wsgi",
        "{python} -m socketify {app} --host 127.0.0.1 --port {port} "
        "--interface wsgi --workers {workers}",
        "workers",
    ),
    # ASGI
    uvicorn(
        "uvicorn-uvloop",
        "--loop uvloop --http httptools --ws websockets-sansio",
        "ws tls static workers",
        app="starlette_app:app",
    ),
    uvicorn(
        "uvicorn-uvloop-wsproto",
        "--loop uvloop --http httptools --ws wsproto",
        "ws",
        only=("ws-echo-64b", "ws-echo-64k"),
    ),
    uvicorn("uvicorn-asyncio", "--loop asyncio --http httptools --ws websockets-sansio"),
    gunicorn("gunicorn-asgi", "asgi", "-k asgi --asgi-loop uvloop", "ws tls h2 workers"),
    gunicorn(
        "gunicorn-asgi-pyparser",
        "asgi",
        "-k asgi --asgi-loop uvloop --http-parser python",
        "workers",
        only=("asgi-hello",),
    ),
    granian("granian-asgi", "asgi", "--loop uvloop", "ws tls h2 workers"),
    server(
        "hypercorn",
        "asgi",
        "{bin}/hypercorn -b 127.0.0.1:{port} -w {workers} -k uvloop --keep-alive 75 "
        "--backlog 4096 --log-level warning {app}",
        "ws tls h2 workers",
        tls="--certfile {cert} --keyfile {key}",
    ),
    launched("fastpysgi-asgi", "asgi", "ws tls workers"),
    server(
        "socketify-asgi",
        "asgi",
        "{python} -m socketify {app} --host 127.0.0.1 --port {port} "
        "--interface asgi --workers {workers}",
        "ws tls workers",
        tls="--ssl-certfile {cert} --ssl-keyfile {key}",
    ),
    # References: how fast one core can go without Python, and a framework's own server
    launched("nginx", "fixed", "tls h2 static"),
    server(
        "uvhello",
        "fixed",
        "{build}/uvhello {port}",
        only=("wsgi-hello", "asgi-hello", "pipelined-16", "idle-10k", "startup"),
    ),
    server(
        "robyn",
        "fixed",
        "env BENCH_PORT={port} {python} {here}/apps/robyn_app.py --log-level WARN",
        only=("asgi-hello",),
    ),
    # For the ApacheBench tables only
    launched("flask_dev", "wsgi", only=("ab-500c500",)),
    gunicorn("gunicorn-sync-3w", "wsgi", "-k sync -w 3", only=("ab-500c500",)),
]


def parse_server(text, options=()):
    """Reads --server 'NAME:KIND[+FEATURE...]=COMMAND' and its --server-option 'NAME:OPTION=TEXT'."""
    match = re.fullmatch(r"([\w.-]+):([\w+]+)=(.+)", text, re.S)
    if not match:
        raise ValueError(f"not NAME:KIND[+FEATURE...]=COMMAND: {text!r}")
    name, kind, *does = [match[1], *match[2].split("+")]
    unknown = {kind} - set(KINDS) | set(does) - set(FEATURES)
    if unknown:
        raise ValueError(
            f"unknown in {text!r}: {', '.join(sorted(unknown))} (kinds {KINDS}, features {FEATURES})"
        )
    added = server(name, kind, match[3], " ".join(does), tls="--certfile {cert} --keyfile {key}")
    for option in options:
        match = re.fullmatch(r"([\w.-]+):(tls|h2|files|many|app)=(.*)", option, re.S)
        if not match:
            raise ValueError(
                f"not NAME:OPTION=TEXT with OPTION in tls, h2, files, many, app: {option!r}"
            )
        if match[1] == name:
            added = replace(added, **{match[2]: match[3]})
    return added
