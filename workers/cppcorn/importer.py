"""From what the command line names to an application: importing it, and telling ASGI from WSGI.

An application is named as ``main``, ``main:app``, ``main:api.app``, ``main:create_app()`` or
``main:create_app("x", debug=True)``; arguments may be literals only. With ``factory`` the named
object is called for the application.

Every worker keeps in memory what is imported here, so what only errors and odd cases need is
imported there.
"""

from __future__ import annotations

import functools
import importlib
import sys
from types import FunctionType, MethodType, ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from typing import Any, Literal

    Interface = Literal["asgi", "wsgi"]

# What a module is searched for when the name says nothing, gunicorn's default before everybody
# else's.
DEFAULT_ATTRIBUTES = ("application", "app")


class AppLoadError(Exception):
    """The application cannot be loaded, and the text says why: no traceback is needed."""


class AppShapeError(AppLoadError):
    """What was loaded is no application that can be served, or not by the chosen kind of worker."""


class AppName:
    """A parsed name: where to look, and whether to call what is there."""

    def __init__(
        self,
        module: str,
        path: tuple[str, ...],
        called: bool = False,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.module = module
        self.path = path  # attributes one inside the other; empty: the default ones
        self.called = called
        self.args = args
        self.kwargs = kwargs or {}


class Shape:
    """What an application is, and how that was seen."""

    def __init__(self, interface: Interface, reason: str) -> None:
        self.interface = interface
        self.reason = reason


def parse_name(name: str) -> AppName:
    """Parses the name of an application. Raises AppLoadError with the reason when it is none."""
    module, colon, expression = name.partition(":")
    if not module:
        raise AppLoadError(f'"{name}" names no module: write MODULE:ATTRIBUTE, such as main:app')
    if "/" in module or module.endswith(".py"):
        hint = module.removesuffix(".py").strip("./").replace("/", ".")
        raise AppLoadError(
            f'"{module}" is a file, and a module is needed: write {hint}{colon}{expression}'
        )
    if not all(part.isidentifier() for part in module.split(".")):
        raise AppLoadError(f'"{module}" is not the name of a module')
    if not colon:
        return AppName(module, ())
    path = tuple(expression.split("."))
    if all(part.isidentifier() for part in path):
        return AppName(module, path)
    return _parse_call(name, module, expression)


def _parse_call(name: str, module: str, expression: str) -> AppName:
    import ast

    try:
        node = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError:
        raise AppLoadError(
            f'"{expression}" in "{name}" is neither an attribute nor a call of one'
        ) from None
    if not isinstance(node, ast.Call):
        return AppName(module, _attribute_path(name, node))
    try:
        args = tuple(ast.literal_eval(argument) for argument in node.args)
        # "**mapping" has no name, which literal_eval refuses as it refuses names.
        kwargs = {
            str(word.arg): ast.literal_eval(word.value if word.arg else node)
            for word in node.keywords
        }
    except ValueError:
        raise AppLoadError(
            f'the arguments in "{name}" may only be literals, such as "x", 1 or True'
        ) from None
    return AppName(module, _attribute_path(name, node.func), True, args, kwargs)


def _attribute_path(name: str, node: ast.expr) -> tuple[str, ...]:
    import ast

    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute):
        return (*_attribute_path(name, node.value), node.attr)
    raise AppLoadError(
        f'"{name}": behind the colon goes an attribute (app, api.app) or a call of one'
    )


def load(name: str, *, factory: bool = False) -> Any:
    """The application of that name.

    Raises AppLoadError when the name leads nowhere, and lets through whatever the application's own
    code raises while it is imported or made: those errors are the user's, and their traceback
    matters.
    """
    parsed = parse_name(name)
    found = _find(_import(parsed.module), parsed)
    if parsed.called:
        return _call(found, parsed)
    if not factory:
        return found
    if not callable(found):
        raise AppLoadError(
            f'"{name}" is no factory: {_kind_of(found)} cannot be called (is --factory meant?)'
        )
    return _call(found, parsed)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # Only when the module itself, or a package that holds it, is what is missing. A module that
        # is missing inside the application is the application's own error.
        missing = error.name or ""
        if missing == name or name.startswith(f"{missing}."):
            raise AppLoadError(_missing_module(name, missing)) from None
        raise


def _missing_module(name: str, missing: str) -> str:
    import pkgutil

    text = f'there is no module "{missing}"'
    if missing != name:
        text += f' (for "{name}")'
    parent, _, last = missing.rpartition(".")
    try:
        path = importlib.import_module(parent).__path__ if parent else _own_directories()
    except AttributeError:
        return f'{text}: "{parent}" is a module, not a package'
    names = [module.name for module in pkgutil.iter_modules(path)]
    close = _closest(last, names)
    if close:
        guess = f"{parent}.{close}" if parent else close
        return f'{text}. Did you mean "{guess}"?'
    where = parent or ", ".join(sys.path[:2])
    return f"{text} in {where}; --app-dir and --chdir say where to look"


def _closest(name: str, names: list[str]) -> str | None:
    import difflib

    close = difflib.get_close_matches(name, names, n=1)
    return close[0] if close else None


def _own_directories() -> list[str]:
    """Where the user's modules lie: the search path but for the interpreter's own and installed
    packages.
    """
    return [
        entry
        for entry in sys.path
        if "site-packages" not in entry
        and "dist-packages" not in entry
        and not entry.startswith((sys.prefix, sys.base_prefix))
    ] or sys.path[:1]


def _find(module: ModuleType, parsed: AppName) -> Any:
    if not parsed.path:
        for attribute in DEFAULT_ATTRIBUTES:
            if hasattr(module, attribute):
                return getattr(module, attribute)
        raise AppLoadError(_no_default(module))
    found: Any = module
    for attribute in parsed.path:
        try:
            found = getattr(found, attribute)
        except AttributeError:
            raise AppLoadError(_missing_attribute(module, found, attribute, parsed)) from None
    return found


def _no_default(module: ModuleType) -> str:
    text = f'module "{module.__name__}" has neither "application" nor "app"'
    candidates = _candidates(module)
    if not candidates:
        return f"{text}, nor anything else that looks like an application"
    listed = ", ".join(f"{module.__name__}:{candidate}" for candidate in candidates)
    return f"{text}. These look like applications: {listed}"


def _candidates(module: ModuleType) -> list[str]:
    """The attributes that look like applications or like factories of one."""
    found = []
    for name, value in vars(module).items():
        if name.startswith("_") or not callable(value) or isinstance(value, type):
            continue
        if isinstance(value, FunctionType) and value.__module__ != module.__name__:
            continue
        if isinstance(value, FunctionType) and name in ("create_app", "make_app", "get_app"):
            found.append(f"{name}()")
        elif shape_of(value) is not None:
            found.append(name)
    return found


def _missing_attribute(module: ModuleType, owner: Any, attribute: str, parsed: AppName) -> str:
    where = "module" if owner is module else "object"
    named = ".".join((parsed.module, *parsed.path[: parsed.path.index(attribute)]))
    text = f'{where} "{named}" has no attribute "{attribute}"'
    close = _closest(attribute, dir(owner))
    if close:
        return f'{text}. Did you mean "{close}"?'
    candidates = _candidates(module) if owner is module else []
    if candidates:
        listed = ", ".join(f"{parsed.module}:{candidate}" for candidate in candidates)
        return f"{text}. These look like applications: {listed}"
    return text


def _call(factory: Any, parsed: AppName) -> Any:
    import inspect

    described = f"{parsed.module}:{'.'.join(parsed.path)}"
    try:
        inspect.signature(factory).bind(*parsed.args, **parsed.kwargs)
    except TypeError as error:
        raise AppLoadError(f'"{described}" cannot be called like that: {error}') from None
    except ValueError:
        pass  # a callable without a signature, such as one written in C: calling it will tell
    app = factory(*parsed.args, **parsed.kwargs)
    if inspect.iscoroutine(app):
        app.close()
        raise AppLoadError(
            f'"{described}" is a coroutine function, and a factory must be a plain one'
        )
    if app is None:
        raise AppLoadError(f'"{described}" returned None instead of an application')
    return app


def shape_of(app: Any) -> Shape | None:
    """What an application is by its shape, or None when that cannot be said."""
    while isinstance(app, functools.partial) and not app.args and not app.keywords:
        app = app.func
    if _is_coroutine_function(app):
        return Shape("asgi", "it is a coroutine function")
    if not isinstance(app, type) and _is_coroutine_function(_call_method(app)):
        return Shape("asgi", "its __call__ is a coroutine function")
    names = _positional(app)
    if names is None:
        return None
    # A class may be a WSGI application itself, whose instances are the responses (PEP 3333's own
    # example).
    if len(names) == 2:
        return Shape("wsgi", f"it takes two parameters ({', '.join(names)})")
    if len(names) == 3 and not isinstance(app, type):
        return Shape("asgi", f"it takes three parameters ({', '.join(names)})")
    return None


def _call_method(app: Any) -> Any:
    """The function that a call of this object runs; to be looked at, not to be called."""
    return getattr(type(app), "__call__", None)


def _is_coroutine_function(app: Any) -> bool:
    while isinstance(app, FunctionType) and hasattr(app, "__wrapped__"):
        app = app.__wrapped__
    if isinstance(app, MethodType):
        app = app.__func__
    coroutine = 0x80  # inspect.CO_COROUTINE
    if isinstance(app, FunctionType) and app.__code__.co_flags & coroutine:
        return True
    # inspect.markcoroutinefunction(), of Python 3.12.
    return getattr(app, "_is_coroutine_mark", None) is not None


def _positional(app: Any) -> list[str] | None:
    """The positional parameters that have no default; None where there is no telling."""
    plain = _positional_of_code(app)
    if plain is not None:
        return plain
    import inspect

    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):
        return None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [
        parameter.name
        for parameter in parameters
        if parameter.kind in positional and parameter.default is inspect.Parameter.empty
    ]


def _positional_of_code(app: Any) -> list[str] | None:
    """What _positional() says, for plain functions, methods and objects whose class has a plain
    __call__.
    """
    bound = 0
    if not isinstance(app, FunctionType | MethodType | type) and "__signature__" not in dir(app):
        app = _call_method(app)
        bound = 1
    if isinstance(app, MethodType):
        app = app.__func__
        bound = 1
    if not isinstance(app, FunctionType) or hasattr(app, "__wrapped__"):
        return None
    code = app.__code__
    variable = 0x04  # inspect.CO_VARARGS
    if code.co_flags & variable:
        return None
    names = code.co_varnames[bound : code.co_argcount]
    return list(names[: len(names) - len(app.__defaults__ or ())])


def _kind_of(found: Any) -> str:
    return f"{type(found).__module__}.{type(found).__qualname__}"


# The kinds of worker by interface, as the command line spells them.
WORKER_CLASS = {"asgi": "asgi", "wsgi": "gthread"}


def choose(app: Any, name: str, worker_class: str | None) -> Shape:
    """Which interface to serve an application by: the asked one, else the one its shape says.

    worker_class is "asgi", "gthread", "sync", or None when none was asked for. Raises AppShapeError
    when the object is no application, is one of the other interface, or does not show what it is
    and nobody said.
    """
    if not callable(app):
        raise AppShapeError(f'"{name}" is no application: {_kind_of(app)} cannot be called')
    shape = shape_of(app)
    if worker_class is None:
        if shape is not None:
            return shape
        raise AppShapeError(_undecided(app, name))
    asked: Interface = "asgi" if worker_class == "asgi" else "wsgi"
    if shape is not None and shape.interface != asked:
        raise AppShapeError(
            f'"{name}" is {_article(shape.interface)} application ({shape.reason}): '
            f"serve it with -k {WORKER_CLASS[shape.interface]}, not -k {worker_class}"
        )
    return Shape(asked, f"-k {worker_class}")


def _article(interface: Interface) -> str:
    return "an ASGI" if interface == "asgi" else "a WSGI"


def _undecided(app: Any, name: str) -> str:
    import inspect

    names = _positional(app)
    if names == [] and not inspect.signature(app).parameters:
        call = f"{name}()" if ":" in name else f"{name}:app()"
        return (
            f'"{name}" takes no parameters, so it looks like a factory: '
            f"name it {call}, or add --factory"
        )
    if isinstance(app, type) and names and len(names) == 1:
        return f'"{name}" looks like an application of ASGI 2, and ASGI 3 is needed'
    return f'"{name}" does not show whether it is ASGI or WSGI: say -k asgi or -k gthread'
