"""The routes and their views."""

from __future__ import annotations

import json as coder
from pathlib import Path

from django.http import (
    FileResponse,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import path
from site_facts import COOKIES, STREAM_LINES, download, measured, stream_line


def index(request):
    return HttpResponse("django", content_type="text/plain")


def json(request):
    sent = coder.loads(request.body) if request.body else None
    return JsonResponse({"method": request.method, "args": request.GET.dict(), "sent": sent})


def upload(request):
    file = request.FILES["file"]
    return JsonResponse(measured(file.name, file.read()))


def send_download(request):
    return FileResponse(Path(download()).open("rb"))


def stream(request):
    if hasattr(request, "scope"):  # ASGI

        async def lines():
            for number in range(STREAM_LINES):
                yield stream_line(number)
    else:

        def lines():
            for number in range(STREAM_LINES):
                yield stream_line(number)

    return StreamingHttpResponse(lines(), content_type="text/event-stream")


def away(request):
    return HttpResponseRedirect("/")


def cookies(request):
    response = JsonResponse(request.COOKIES)
    for name, value in COOKIES.items():
        response.set_cookie(name, value)
    return response


def error(request):
    raise RuntimeError("deliberate")


async def asynchronous(request):
    return HttpResponse("async")


urlpatterns = [
    path("", index),
    path("json", json),
    path("upload", upload),
    path("download", send_download),
    path("stream", stream),
    path("redirect", away),
    path("cookies", cookies),
    path("error", error),
    path("async", asynchronous),
]
