"""The WSGI worker's Python half on its own, in a process without a master: how it starts and ends
when something is wrong.
"""

from __future__ import annotations

import subprocess
import sys

from cppcorn_server import find_binary, server_environment

PRELUDE = """
import threading
from cppcorn import wsgi
worker = wsgi.Worker(lambda environ, start_response: [], "{}", {"threads": 2, "errorlog": "-"}, [])
"""


def run(code: str) -> str:
    """What the code prints; its process must come to its end."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + code],
        env=server_environment(find_binary()),
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_order_that_comes_before_the_start_is_carried_out() -> None:
    said = run("worker.native.drain(); worker.run(lambda: print('ready')); print('over')")
    assert said.split() == ["ready", "over"]


def test_threads_that_cannot_be_started_end_the_worker() -> None:
    """And not its process's end: the threads that there are must not be waited for in vain."""
    said = run("""
start = threading.Thread.start
def start_once(self):
    threading.Thread.start = lambda self: exec("raise RuntimeError('no more threads')")
    start(self)
threading.Thread.start = start_once
try:
    worker.run(lambda: print("ready"))
except RuntimeError as error:
    print(error)
""")
    assert said.strip() == "no more threads"


def test_an_exception_of_a_signal_handler_ends_the_worker() -> None:
    said = run("""
import signal
def leave(number, frame):
    raise SystemExit(0)
signal.signal(signal.SIGUSR1, leave)
try:
    worker.run(lambda: signal.raise_signal(signal.SIGUSR1))
finally:
    print("over")
""")
    assert said.strip() == "over"
