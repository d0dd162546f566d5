"""Every way to name an application: specs, specs:app, specs:api.app, specs:create_app("x"), with
--factory.
"""

from __future__ import annotations


def _app(name):
    def application(environ, start_response):
        body = name.encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    return application


application = _app("application")
app = _app("app")


class api:
    app = staticmethod(_app("api.app"))


def create_app(name="default", *, suffix=""):
    return _app(f"created {name}{suffix}")


number = 42
