"""How applications are named, loaded and told apart (workers/cppcorn/importer.py), without a
server.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from cppcorn_server import ROOT, find_binary, package_folder


@pytest.fixture(scope="module")
def importer() -> ModuleType:
    folder = package_folder(find_binary()) or ROOT / "workers"
    sys.path.insert(0, str(folder))
    try:
        from cppcorn import importer
    finally:
        sys.path.remove(str(folder))
    return importer


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of modules, on sys.path; what is imported from it is forgotten again."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("name", "module", "path", "called", "args", "kwargs"),
    [
        ("main", "main", (), False, (), {}),
        ("a.b:app", "a.b", ("app",), False, (), {}),
        ("main:api.app", "main", ("api", "app"), False, (), {}),
        ("main:make()", "main", ("make",), True, (), {}),
        ("main:x.make('a', -1, b=[None])", "main", ("x", "make"), True, ("a", -1), {"b": [None]}),
    ],
)
def test_names(importer, name, module, path, called, args, kwargs) -> None:
    parsed = importer.parse_name(name)
    assert (parsed.module, parsed.path, parsed.called) == (module, path, called)
    assert (parsed.args, parsed.kwargs) == (args, kwargs)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "names no module"),
        (":app", "names no module"),
        ("main.py", "write main"),
        ("src/main.py:app", "write src.main:app"),
        ("a-b:app", "is not the name of a module"),
        ("main:1+1", "an attribute"),
        ("main:a[0]", "an attribute"),
        ("main:a(", "neither an attribute nor a call"),
        ("main:a(b)", "only be literals"),
        ("main:a(**{})", "only be literals"),
        ("main:a(x=b)", "only be literals"),
        ("main:__import__('os').system('true')", "an attribute"),
    ],
)
def test_names_that_are_none(importer, name, said) -> None:
    with pytest.raises(importer.AppLoadError, match=said.replace("(", r"\(")):
        importer.parse_name(name)


def test_default_attributes(importer, modules: Path) -> None:
    (modules / "both.py").write_text("application = 1\napp = 2\n")
    (modules / "one.py").write_text("app = 2\n")
    assert importer.load("both") == 1 and importer.load("one") == 2


def test_candidates_are_listed(importer, modules: Path) -> None:
    text = "def web(environ, start_response): ...\ndef create_app(): ...\nclass Other: ...\n"
    (modules / "none.py").write_text(text)
    with pytest.raises(importer.AppLoadError, match=r"none:web, none:create_app\(\)$"):
        importer.load("none")
    (modules / "nothing.py").write_text("x = 1\n")
    with pytest.raises(importer.AppLoadError, match="nor anything else"):
        importer.load("nothing")


def test_did_you_mean(importer, modules: Path) -> None:
    (modules / "service.py").write_text("class api:\n    application = 1\n")
    with pytest.raises(importer.AppLoadError, match=r'"servise".*Did you mean "service"'):
        importer.load("servise:app")
    with pytest.raises(importer.AppLoadError, match=r'"service".*Did you mean "api"'):
        importer.load("service:apu")
    with pytest.raises(importer.AppLoadError, match=r'"service\.api".*mean "application"'):
        importer.load("service:api.aplication")
    with pytest.raises(importer.AppLoadError, match='"service" is a module, not a package'):
        importer.load("service.sub:app")


def test_the_applications_own_errors_are_not_ours(importer, modules: Path) -> None:
    (modules / "lacks.py").write_text("import there_is_no_such_module\n")
    with pytest.raises(ModuleNotFoundError, match="there_is_no_such_module"):
        importer.load("lacks:app")
    (modules / "broken.py").write_text("def f(:\n")
    with pytest.raises(SyntaxError):
        importer.load("broken:app")
    (modules / "raising.py").write_text("def make():\n    raise TypeError('own')\n")
    with pytest.raises(TypeError, match="own"):
        importer.load("raising:make()")


def test_factories(importer, modules: Path) -> None:
    text = """
async def coroutine(): ...
def make(name="x", *, flag=False): return (name, flag)
def nothing(): ...
number = 1
"""
    (modules / "made.py").write_text(text)
    assert importer.load("made:make", factory=True) == ("x", False)
    assert importer.load('made:make("y", flag=True)') == ("y", True)
    for name, said in [
        ("made:make(1, 2)", "cannot be called like that"),
        ("made:coroutine()", "coroutine function"),
        ("made:nothing()", "returned None"),
    ]:
        with pytest.raises(importer.AppLoadError, match=said):
            importer.load(name)
    with pytest.raises(importer.AppLoadError, match="no factory"):
        importer.load("made:number", factory=True)


class AsgiObject:
    async def __call__(self, scope, receive, send): ...


class WsgiObject:
    def __call__(self, environ, start_response): ...

    def method(self, environ, start_response, extra=None): ...


class WsgiClass:
    def __init__(self, environ, start_response): ...


class Asgi2:
    def __init__(self, scope): ...

    async def __call__(self, receive, send): ...


def wsgi(environ, start_response): ...


async def asgi(scope, receive, send): ...


def returns_a_coroutine(scope, receive, send): ...


@functools.wraps(asgi)
def wrapped(*args, **kwargs): ...


def anything(*args): ...


def factory(): ...


@pytest.mark.parametrize(
    ("app", "interface", "reason"),
    [
        (asgi, "asgi", "coroutine function"),
        (AsgiObject(), "asgi", "its __call__"),
        (functools.partial(asgi), "asgi", "coroutine function"),
        (wrapped, "asgi", "coroutine function"),
        (returns_a_coroutine, "asgi", "three parameters (scope, receive, send)"),
        (wsgi, "wsgi", "two parameters (environ, start_response)"),
        (WsgiObject(), "wsgi", "two parameters"),
        (WsgiObject().method, "wsgi", "two parameters"),
        (WsgiClass, "wsgi", "two parameters"),
        (functools.partial(returns_a_coroutine, 1), "wsgi", "two parameters"),
    ],
)
def test_shapes(importer, app, interface, reason) -> None:
    shape = importer.shape_of(app)
    assert shape.interface == interface and reason in shape.reason
    assert importer.choose(app, "main:app", None).interface == interface
    other = "gthread" if interface == "asgi" else "asgi"
    own = "asgi" if interface == "asgi" else "gthread"
    with pytest.raises(importer.AppShapeError, match=f"serve it with -k {own}, not -k {other}"):
        importer.choose(app, "main:app", other)


@pytest.mark.parametrize(
    ("app", "said"),
    [
        (factory, r"main:app\(\), or add --factory"),
        (anything, "-k asgi or -k gthread"),
        (Asgi2, "ASGI 2"),
        (len, "-k asgi or -k gthread"),
        (42, "cannot be called"),
    ],
)
def test_shapes_that_say_nothing(importer, app, said) -> None:
    with pytest.raises(importer.AppShapeError, match=said):
        importer.choose(app, "main:app", None)


def test_what_was_asked_for_decides_where_the_shape_does_not(importer) -> None:
    assert importer.choose(anything, "main:app", "asgi").interface == "asgi"
    shape = importer.choose(anything, "main:app", "sync")
    assert (shape.interface, shape.reason) == ("wsgi", "-k sync")
