"""Django in one file: `cppcorn examples.django_app:application` (ASGI), `-k gthread
examples.django_app:wsgi` (WSGI).
"""

from __future__ import annotations

import os
from typing import Any

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["localhost", "127.0.0.1", "[::1]"],
        SECRET_KEY=os.environ.get("DJANGO_SECRET_KEY", "only for this example"),
        ROOT_URLCONF=__name__,
        USE_TZ=True,
    )
    django.setup()


def index(request: HttpRequest) -> HttpResponse:
    text = f"Django {django.get_version()}, served by cppcorn's worker {os.getpid()}.\n"
    return HttpResponse(text, content_type="text/plain")


def about(request: HttpRequest) -> HttpResponse:
    facts: dict[str, Any] = {
        "method": request.method,
        "scheme": request.scheme,
        "host": request.get_host(),
    }
    return JsonResponse(facts)


urlpatterns = [path("", index), path("api/request", about)]
application = get_asgi_application()
wsgi = get_wsgi_application()
