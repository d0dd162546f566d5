#!/usr/bin/env python3
"""Compares web servers on one machine. See README.md."""

import argparse
import contextlib
import fcntl
import fnmatch
import http.client
import json
import os
import platform
import resource
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import time

import measures
import report
from measures import Failed, Run
from processes import Tree, free_port
from servers import SERVERS, parse_server
from workloads import WORKLOADS

HERE = os.path.dirname(os.path.abspath(__file__))
APPS = os.path.join(HERE, "apps")
START_LIMIT_S = 20


def arguments():
    parser = argparse.ArgumentParser(
        description="Compares web servers, interleaved, and reports the median of the rounds.",
        epilog="Names may be shell patterns: --workloads 'ws-*' --servers 'uvicorn*' cppcorn",
    )
    build = os.environ.get("BENCH_BUILD", os.path.join(HERE, "..", "..", "..", "build-bench"))
    parser.add_argument(
        "--workloads", nargs="+", default=["wsgi-hello", "asgi-hello"], metavar="NAME"
    )
    parser.add_argument("--servers", nargs="+", default=["*"], metavar="NAME")
    parser.add_argument(
        "--server",
        action="append",
        default=[],
        metavar="NAME:KIND[+FEATURE...]=COMMAND",
        help="add a server: kind wsgi or asgi, features ws tls h2 static workers; the command has {port} and {app}",
    )
    parser.add_argument(
        "--server-option",
        action="append",
        default=[],
        metavar="NAME:OPTION=TEXT",
        help="what an added server's command gets for tls, h2, files or many connections; app: the app for static files",
    )
    parser.add_argument("--list", action="store_true", help="list workloads and servers, then end")
    parser.add_argument(
        "--check", action="store_true", help="only start each server and check its answer, once"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--seconds", type=int, default=3, help="length of each measured run (at most 10)"
    )
    parser.add_argument(
        "--warmup", type=int, default=1, help="seconds of load before each measured run; 0: none"
    )
    parser.add_argument(
        "--baseline", default="best", help="server that ratios refer to (default: the best peer)"
    )
    parser.add_argument(
        "--json",
        metavar="FILE",
        help="write the results here; results of other pairs in it are kept",
    )
    parser.add_argument(
        "--render", nargs="+", metavar="FILE", help="only print the tables of these JSON files"
    )
    parser.add_argument(
        "--server-cpu", type=int, default=0, help="CPU of the server (-1: not pinned)"
    )
    parser.add_argument(
        "--load-cpu", type=int, default=1, help="CPU of the load generator (-1: not pinned)"
    )
    parser.add_argument(
        "--nice",
        type=int,
        default=0,
        metavar="N",
        help="scheduling priority of servers and load (below 0 needs root; for a machine with other work)",
    )
    parser.add_argument(
        "--lock",
        metavar="FILE",
        help="hold this lock (flock) during the runs, at most a minute at a time",
    )
    parser.add_argument(
        "--noise",
        type=float,
        default=0.15,
        metavar="SHARE",
        help="repeat a run (at most twice) when other programs took more than this share of a CPU",
    )
    parser.add_argument(
        "--build", default=build, help="what setup.sh built (default: $BENCH_BUILD or build-bench)"
    )
    parser.add_argument(
        "--venv", help="virtual environment of the peers (default: $BENCH_VENV or BUILD/venv)"
    )
    settings = parser.parse_args()
    if not 1 <= settings.seconds <= 10:
        parser.error("--seconds must be from 1 to 10")
    settings.build = os.path.abspath(settings.build)
    settings.venv = os.path.abspath(
        settings.venv or os.environ.get("BENCH_VENV") or os.path.join(settings.build, "venv")
    )
    settings.server_cpu = None if settings.server_cpu < 0 else settings.server_cpu
    settings.load_cpu = None if settings.load_cpu < 0 else settings.load_cpu
    return parser, settings


def chosen(table, patterns, parser):
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(row.name, pattern) for row in table):
            parser.error(f"nothing is named {pattern!r}; see --list")
    return [
        row for row in table if any(fnmatch.fnmatchcase(row.name, pattern) for pattern in patterns)
    ]


def fits(server, workload):
    if server.only and workload.name not in server.only:
        return False
    return server.kind in workload.apps and set(workload.needs) <= server.does


class Bench:
    def __init__(self, settings):
        self.settings = settings
        self.lock = SharedLock(settings.lock)

    def environment(self, workload):
        environment = {
            key: value
            for key, value in os.environ.items()
            if key not in ("WEB_CONCURRENCY", "PORT")
        }
        path = [os.path.join(self.settings.venv, "bin"), environment.get("PATH", ""), "/usr/sbin"]
        environment.update(PYTHONPATH=APPS, PATH=":".join(path), PYTHONDONTWRITEBYTECODE="1")
        if "tls" in workload.needs:
            environment.update(BENCH_CERT=self.file("cert.pem"), BENCH_KEY=self.file("key.pem"))
        if "static" in workload.needs:
            environment.update(BENCH_STATIC=self.file("static"))
        return environment

    def file(self, name):
        return os.path.join(self.settings.build, name)

    def command(self, server, workload, port, workers):
        app = workload.apps[server.kind]
        if "static" in workload.needs and server.app:
            app = server.app
        extra = ""
        for wanted, text in (
            ("tls" in workload.needs, server.tls),
            ("h2" in workload.needs, server.h2),
            ("static" in workload.needs and not server.app, server.files),
            (workload.many, server.many),
        ):
            if wanted and text:
                extra += " " + text
        template = server.command
        # Options go before the app where the command ends with it.
        template = (
            template[:-5] + extra + " {app}" if template.endswith("{app}") else template + extra
        )
        return template.format(
            port=port,
            workers=workers,
            app=app,
            here=HERE,
            build=self.settings.build,
            venv=self.settings.venv,
            bin=os.path.join(self.settings.venv, "bin"),
            python=os.path.join(self.settings.venv, "bin", "python"),
            cert=self.file("cert.pem"),
            key=self.file("key.pem"),
            static=self.file("static"),
        )

    @contextlib.contextmanager
    def running(self, server, workload, workers=1):
        """Starts the server and waits for its first right answer."""
        port = free_port()
        log = self.file(f"log-{server.name}.txt")
        command = self.command(server, workload, port, workers)
        begin = time.monotonic()
        tree = Tree(
            command,
            self.settings.server_cpu if workload.pinned else None,
            self.settings.nice,
            APPS,
            self.environment(workload),
            log,
        )
        try:
            try:
                tree.first_ms = (self.wait_right(workload, tree, port) - begin) * 1e3
            except Failed as failure:
                raise Failed(f"{failure}; log: {tail(log)}") from None
            yield tree, port
        finally:
            tree.stop()

    def wait_right(self, workload, tree, port):
        limit = time.monotonic() + START_LIMIT_S
        problem = "never listened"
        while time.monotonic() < limit:
            if not tree.alive():
                raise Failed(f"ended with status {tree.process.returncode} at the start")
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                problem = check(workload, port)
                if problem is None:
                    return time.monotonic()
                time.sleep(0.1)
            except OSError as error:
                problem = str(error) if not isinstance(error, ConnectionRefusedError) else problem
                time.sleep(0.002)
            except http.client.HTTPException as error:
                problem = repr(error)
                time.sleep(0.1)
        raise Failed(f"no right answer: {problem}")

    def measure(self, server, workload):
        if self.settings.check:
            with self.running(server, workload) as (tree, _port):
                return {"first_ms": tree.first_ms, "requests": 1}
        if workload.tool == "startup":
            times = []
            for _ in range(5):
                with self.running(server, workload) as (tree, _port):
                    times.append(tree.first_ms)
            return {
                "first_ms": statistics.median(times),
                "max_ms": max(times),
                "requests": len(times),
            }
        if workload.tool == "memory":
            metrics = {}
            for workers in (1, 4) if "workers" in server.does else (1,):
                with self.running(server, workload, workers) as (tree, _port):
                    time.sleep(1)
                    memory = tree.memory()
                    metrics.update(
                        {"pss_mib": memory["pss_mib"], "peak_rss_mib": memory["peak_rss_mib"]}
                        if workers == 1
                        else {"pss_4w_mib": memory["pss_mib"]}
                    )
            return metrics
        with self.running(server, workload) as (tree, port):
            metrics = measures.TOOLS[workload.tool](Run(workload, tree, port, self.settings))
            if not metrics["requests"]:
                metrics["rps"] = 0.0
            problem = None
            try:
                problem = check(workload, port) if tree.alive() else "the server ended under load"
            except (OSError, http.client.HTTPException) as error:
                problem = repr(error)
            if problem:
                metrics["after"] = problem
            return metrics

    def quiet_measure(self, server, workload):
        """One run, repeated while the machine is disturbed; the quietest one counts."""
        best = None
        for _ in range(3):
            self.lock.take()
            try:
                metrics = self.measure(server, workload)
            except Failed as failure:
                return {"failed": str(failure)}
            if best is None or metrics.get("foreign_cpu", 0) < best.get("foreign_cpu", 0):
                best = metrics
            if metrics.get("foreign_cpu", 0) <= self.settings.noise:
                break
        return best


def check(workload, port):
    """Makes one request; returns what is wrong with the answer, or None."""
    if "tls" in workload.needs:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=context)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        if workload.body:
            connection.request("POST", workload.path, b"b" * workload.body)
        else:
            connection.request("GET", workload.path)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    right = (
        workload.expect(body)
        if response.status == 200 and callable(workload.expect)
        else body == workload.expect
    )
    if response.status != 200 or not right:
        return f"status {response.status}, body {body[:60]!r} ({len(body)} bytes)"
    return None


class SharedLock:
    """A lock file shared with other programs on the machine; given up for a moment every LEASE_S."""

    LEASE_S, PAUSE_S = 48, 0.5

    def __init__(self, path):
        self.file = open(path, "a") if path else None
        self.until = 0.0

    def take(self):
        """Called before each run; keeps the lock while the lease lasts."""
        if self.file and time.monotonic() > self.until:
            self.drop()
            time.sleep(self.PAUSE_S)
            fcntl.flock(self.file, fcntl.LOCK_EX)
            self.until = time.monotonic() + self.LEASE_S

    def drop(self):
        if self.file:
            fcntl.flock(self.file, fcntl.LOCK_UN)
            self.until = 0.0


def tail(path, size=300):
    with open(path, "rb") as file:
        text = file.read().decode(errors="replace").strip()
    return " ".join(text[-size:].split())


def machine_facts(settings):
    freeze = subprocess.run(
        [os.path.join(settings.venv, "bin", "python"), "-m", "pip", "freeze"],
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    python = subprocess.run(
        [os.path.join(settings.venv, "bin", "python"), "-V"], stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    model = next(
        (
            line.partition(":")[2].strip()
            for line in open("/proc/cpuinfo")
            if line.startswith("model name")
        ),
        "?",
    )
    return {
        "kernel": platform.release(),
        "cpu": model,
        "cpus": os.cpu_count(),
        "python": python,
        "packages": freeze.split(),
        "time": time.strftime("%Y-%m-%d %H:%M:%S %Z"),
    }


def load_results(path):
    if path and os.path.exists(path):
        with open(path) as file:
            return json.load(file)
    return {"runs": {}}


def save_results(path, machine, workload, runs):
    """Adds these runs to the file, and keeps what it has for other servers and workloads."""
    if path:
        results = load_results(path)
        results["machine"] = machine
        results["runs"].setdefault(workload.name, {}).update(runs)
        with open(path + ".new", "w") as file:
            json.dump(results, file, indent=1, sort_keys=True)
        os.replace(path + ".new", path)


def raise_file_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main():
    parser, settings = arguments()
    if settings.render:
        for path in settings.render:
            print(report.tables(load_results(path)["runs"], settings.baseline))
        return
    try:
        added = [parse_server(text, settings.server_option) for text in settings.server]
    except ValueError as error:
        parser.error(str(error))
    table = SERVERS + added
    if settings.list:
        print(report.listing(WORKLOADS, table, fits))
        return
    for tool in ("wrk", "h2load", "ab"):
        if not shutil.which(tool):
            parser.error(f"{tool} is missing; ./dev bench installs it")
    if not os.path.exists(os.path.join(settings.build, "cert.pem")):
        parser.error(f"{settings.build} is not set up; run setup.sh")
    workloads = chosen(WORKLOADS, settings.workloads, parser)
    servers = chosen(table, settings.servers, parser)
    servers += [server for server in added if server not in servers]

    raise_file_limit()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench = Bench(settings)
    machine = machine_facts(settings)
    for workload in workloads:
        entered = [server for server in servers if fits(server, workload)]
        runs = {server.name: {"kind": server.kind, "rounds": []} for server in entered}
        for number in range(1 if settings.check else settings.rounds):
            for server in entered:
                metrics = bench.quiet_measure(server, workload)
                runs[server.name]["rounds"].append(metrics)
                print(
                    f"{workload.name} {number + 1} {server.name}: {report.brief(metrics)}",
                    file=sys.stderr,
                    flush=True,
                )
                save_results(settings.json, machine, workload, runs)
        print(report.tables({workload.name: runs}, settings.baseline), flush=True)
    bench.lock.drop()


if __name__ == "__main__":
    main()
