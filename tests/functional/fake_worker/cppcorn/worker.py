"""A worker without a server: does to the master what FAKE_STEPS says.

That is a list of steps, separated by "."; each is a function below, with an argument behind "_"
where it takes one.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

channel = socket.socket(fileno=int(os.environ["CPPCORN_CONTROL_FD"]))
lines = channel.makefile("r", encoding="utf-8")
start: dict[str, Any] = {}


def record(event: str, **facts: Any) -> None:
    """Tells the test what happened, in one write."""
    path = os.environ.get("FAKE_LOG")
    if path:
        line = json.dumps({"event": event, "pid": os.getpid(), "time": time.monotonic(), **facts})
        with open(path, "a") as log:
            log.write(line + "\n")


def say(message: str, /, **keys: Any) -> None:
    channel.sendall((json.dumps({"type": message, **keys}) + "\n").encode())


def hear() -> dict[str, Any] | None:
    line = lines.readline()
    return json.loads(line) if line else None


def hello(protocol: str = "1") -> None:
    say("hello", protocol=int(protocol), pid=os.getpid(), python="fake", version="fake")
    start.update(hear() or {})
    record("start", start=start, cwd=os.getcwd(), arguments=sys.argv)


def accept_on(listener: socket.socket) -> None:
    """Answers each connection with this process's id."""
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            time.sleep(0.002)
            continue
        except OSError:
            return
        with connection, contextlib.suppress(OSError):
            connection.sendall(str(os.getpid()).encode())


def ready() -> None:
    for one in start["listeners"]:
        listener = socket.socket(fileno=one["fd"])
        listeners.append(listener)
        threading.Thread(target=accept_on, args=(listener,), daemon=True).start()
    say("ready", kind="fake", reason="it is a test", app="fake:app")


listeners: list[socket.socket] = []


def serve() -> None:
    """Until there is an order, which it follows."""
    order = hear()
    record("order", order=order)
    for listener in listeners:
        listener.close()
    if order is not None:
        say("draining")
        say("bye")


def ignore() -> None:
    """Hears orders and follows none, not even the end of the channel."""
    while (order := hear()) is not None:
        record("order", order=order)
    record("order", order=None)
    threading.Event().wait()


def appfail(text: str = "no app") -> None:
    say("failed", stage="app", message=text, traceback=f"Traceback (fake)\n  {text}\n")
    os._exit(4)


def bootfail() -> None:
    say("failed", stage="boot", message="lifespan says no", traceback="")
    os._exit(3)


def linger() -> None:
    """As an application whose thread keeps the interpreter alive after a failure."""
    say("failed", stage="app", message="and yet it lives", traceback="")
    threading.Event().wait()


def bye() -> None:
    say("bye")
    os._exit(0)


def exit(code: str) -> None:
    os._exit(int(code))


def die(number: str) -> None:
    os.kill(os.getpid(), int(number))
    threading.Event().wait()


def wait(milliseconds: str) -> None:
    time.sleep(int(milliseconds) / 1000)


def nonsense() -> None:
    channel.sendall(b"this is no JSON\n")


def once(step: str) -> None:
    """Only the first worker of this test does the step."""
    marker = Path(os.environ["FAKE_LOG"]).with_suffix(f".once-{step}")
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return
    run(step.replace("-", "_"))


def later(step: str) -> None:
    """All workers but the first of this test do the step."""
    marker = Path(os.environ["FAKE_LOG"]).with_suffix(f".later-{step}")
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        run(step.replace("-", "_"))


def run(step: str) -> None:
    name, _, argument = step.partition("_")
    function = globals()[name]
    function(*([argument] if argument else []))


def main() -> None:
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    steps = os.environ["FAKE_STEPS"].split(".")
    for step in steps:
        run(step)


main()
