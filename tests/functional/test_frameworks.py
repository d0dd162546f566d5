"""Real frameworks, one site in each, through a real HTTP client: what people will run on this
server.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator

import httpx
import pytest
from conftest import Serve
from cppcorn_server import APPS, Server

SITES = {
    "flask": ("flask_site:app", "gthread"),
    "flask-sync": ("flask_site:app", "sync"),
    "django-wsgi": ("django_site.wsgi:application", "gthread"),
    "django-asgi": ("checked_sites:django_site", "asgi"),
    "fastapi": ("checked_sites:fastapi_site", "asgi"),
    "starlette": ("checked_sites:starlette_site", "asgi"),
    "quart": ("checked_sites:quart_site", "asgi"),
    "litestar": ("checked_sites:litestar_site", "asgi"),
}


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest, shared: Serve) -> Server:
    app, kind = SITES[request.param]
    return shared(app, kind=kind)


@pytest.fixture
def web(site: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site.url, timeout=20, trust_env=False) as web:
        yield web


def test_a_page(web: httpx.Client, request: pytest.FixtureRequest) -> None:
    response = web.get("/")
    assert response.status_code == 200
    assert request.node.callspec.params["site"].startswith(response.text)
    assert web.get("/nowhere").status_code == 404
    assert web.head("/").text == ""


def test_json_both_ways(web: httpx.Client) -> None:
    assert web.get("/json", params={"a": "ä b"}).json()["args"] == {"a": "ä b"}
    sent = {"text": "grün", "numbers": list(range(1000))}
    response = web.post("/json?x=1", json=sent).json()
    assert (response["method"], response["sent"], response["args"]) == ("POST", sent, {"x": "1"})


def test_an_upload(web: httpx.Client) -> None:
    """Larger than what any buffer holds, so it is streamed or spooled."""
    content = os.urandom(3 << 20)
    response = web.post("/upload", files={"file": ("photo.jpg", content, "image/jpeg")})
    assert response.status_code == 200, response.text
    wanted = {
        "name": "photo.jpg",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert response.json() == wanted


def test_a_chunked_upload(web: httpx.Client) -> None:
    """A generator has no length, so httpx sends it chunked."""
    response = web.post(
        "/json",
        content=iter([b'{"a": ', b'"', b"x" * 100_000, b'"}']),
        headers={"content-type": "application/json"},
    )
    assert response.json()["sent"] == {"a": "x" * 100_000}


def test_a_download(web: httpx.Client) -> None:
    response = web.get("/download")
    assert response.status_code == 200
    assert response.content == b"".join(b"%06d\n" % number for number in range(100_000))


def test_a_stream(web: httpx.Client) -> None:
    with web.stream("GET", "/stream") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert "content-length" not in response.headers
        lines = list(response.iter_lines())
    assert lines == [f"line {number}" for number in range(50)]


def test_a_redirect(web: httpx.Client) -> None:
    assert web.get("/redirect").status_code == 302
    assert web.get("/redirect", follow_redirects=True).status_code == 200


def test_cookies(web: httpx.Client) -> None:
    first = web.get("/cookies")
    assert first.json() == {}
    assert len(first.headers.get_list("set-cookie")) == 2
    assert web.get("/cookies").json() == {"first": "1", "second": "two"}


def test_an_error(site: Server, web: httpx.Client) -> None:
    log = len(site.log)
    assert web.get("/error").status_code == 500
    assert web.get("/").status_code == 200
    if "flask" in str(site.command) or "starlette" in str(site.command):
        site.wait_log("RuntimeError: deliberate", after=log)  # Django and Litestar keep it quiet


def test_many_at_once(web: httpx.Client) -> None:
    """Concurrent clients each get their own answer."""
    import concurrent.futures

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda n: web.get("/json", params={"n": n}).json()["args"], range(80))
    assert list(answers) == [{"n": str(n)} for n in range(80)]


# --- What only some have ---


def test_context_variables(shared: Serve) -> None:
    """Requests see what the lifespan set, and nothing of each other."""
    server = shared("starlette_site:app", kind="asgi")
    for _ in range(3):
        assert httpx.get(f"{server.url}/context", trust_env=False).json() == {
            "lifespan": "set at start",
            "request": "unset",
        }


def test_lifespan_state(serve: Serve) -> None:
    server = serve("starlette_site:app", kind="asgi")
    for number in (1, 2, 3):
        state = httpx.get(f"{server.url}/state", trust_env=False).json()
        assert state == {"number": 2, "shared": number}
    server.stop()
    assert [e["event"] for e in server.events()] == ["started", "stopped"]


@pytest.mark.parametrize("app", ["starlette_site:app", "fastapi_site:app"])
def test_background_tasks(shared: Serve, app: str) -> None:
    server = shared(app, kind="asgi")
    before = len(server.events())
    assert "answered" in httpx.get(f"{server.url}/background", trust_env=False).text
    server.wait_event(event="background")
    assert len(server.events()) == before + 1


def test_fastapi_threads_and_middleware(shared: Serve) -> None:
    server = shared("fastapi_site:app", kind="asgi")
    response = httpx.get(f"{server.url}/threads", trust_env=False)
    assert response.json() == {"endpoint": False, "dependency": False}
    assert response.headers["x-middleware"] == "passed"


def test_starlette_hears_of_a_lost_client(shared: Serve) -> None:
    from http_client import Client, request

    server = shared("starlette_site:app", kind="asgi")
    with Client(server) as client:
        client.send(request("POST", "/drain", [("Content-Length", "1000")]) + b"half")
        server.wait_event(event="draining")
        client.reset()
    server.wait_event(event="client-disconnect")


def test_django_async_view(shared: Serve) -> None:
    for app, kind in (SITES["django-asgi"], SITES["django-wsgi"]):
        server = shared(app, kind=kind)
        assert httpx.get(f"{server.url}/async", trust_env=False).text == "async"


def test_flask_conditional_and_ranges(shared: Serve) -> None:
    server = shared("flask_site:app", kind="gthread")
    with httpx.Client(base_url=server.url, trust_env=False) as web:
        whole = web.get("/download")
        again = web.get("/download", headers={"if-none-match": whole.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        part = web.get("/download", headers={"range": "bytes=7-20"})
        assert (part.status_code, part.content) == (206, whole.content[7:21])


# --- wsgiref.validate ---


@pytest.fixture
def validated(shared: Serve, wsgi_kind: str) -> Iterator[httpx.Client]:
    server = shared("validated:app", kind=wsgi_kind)
    log = len(server.log)
    with httpx.Client(base_url=server.url, trust_env=False) as web:
        yield web
    said = server.log[log:]
    assert "AssertionError" not in said and "without being closed" not in said, said


@pytest.mark.parametrize("path", ["/", "/with%20space/%C3%A4", "/blocks?a=b", "/writing"])
def test_validate_responses(validated: httpx.Client, path: str) -> None:
    assert validated.get(path).status_code == 200
    assert validated.head(path).status_code == 200


def test_validate_contents(validated: httpx.Client) -> None:
    assert validated.get("/blocks").text == "one two"
    assert validated.get("/writing").text == "written and returned"
    replaced = validated.get("/replacing")
    assert (replaced.status_code, replaced.headers["x-replaced"]) == (503, "yes")


@pytest.mark.parametrize("chunked", [False, True])
def test_validate_input(validated: httpx.Client, chunked: bool) -> None:
    content = b"a line\n" * 30_000
    body = iter([content[:1000], content[1000:]]) if chunked else content

    def post(path: str) -> str:
        sent = iter([content[:1000], content[1000:]]) if chunked else body
        response = validated.post(path, content=sent)
        assert response.status_code == 200, response.text
        return response.text

    assert post("/read").encode() == content
    assert int(post("/lines")) * 7 >= 100000
    assert post("/iterate") == str(len(content))
    assert post("/readline") == "a line\n|a line\n"


# --- The examples of the README ---


@pytest.mark.parametrize(
    "app,kind", [("examples.fastapi_app:app", "asgi"), ("examples.flask_app:app", "gthread")]
)
def test_the_examples(serve: Serve, app: str, kind: str) -> None:
    server = serve(app, kind=kind, cwd=APPS.parent.parent)
    with httpx.Client(base_url=server.url, timeout=20, trust_env=False) as web:
        page = web.get("/")
        assert page.status_code == 200 and "cpp<span>corn</span>" in page.text
        assert web.post("/api/notes", json={"text": "noted"}).status_code == 201
        assert {"text": "noted"} in web.get("/api/notes").json()
        assert web.post("/api/notes", json={"text": ""}).status_code == 422
        assert web.post("/api/measure", content=b"abc").json()["bytes"] == 3
        ticks = web.get("/api/ticks", params={"interval_s": 0}).text
        assert ticks.count("data: ") == 11 and "event: end" in ticks


def test_the_django_example(serve: Serve) -> None:
    for app, kind in [("application", "asgi"), ("wsgi", "gthread")]:
        server = serve(f"examples.django_app:{app}", kind=kind, cwd=APPS.parent.parent)
        with httpx.Client(base_url=server.url, timeout=20, trust_env=False) as web:
            assert web.get("/").text.startswith("Django ")
            assert web.get("/api/request").json()["method"] == "GET"


@pytest.mark.chromium
def test_fastapi_documentation_in_a_browser(serve: Serve) -> None:
    """A real browser loads the example's page, runs its script and reads its streams."""
    import shutil
    import subprocess

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "the apt package chromium is missing"
    server = serve("examples.fastapi_app:app", kind="asgi", cwd=APPS.parent.parent)

    def dump(path: str) -> str:
        done = subprocess.run(
            [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             f"--user-data-dir={server.folder}/profile", "--virtual-time-budget=3000",
             "--timeout=20000", "--dump-dom", server.url + path],
            env={**os.environ, "HOME": str(server.folder)},
            capture_output=True, text=True, timeout=50, check=True,
        )  # fmt: skip
        return done.stdout

    page = dump("/")
    assert "Kept in this worker's lifespan state." in page, page
    assert "cppcorn example" in dump("/docs")
