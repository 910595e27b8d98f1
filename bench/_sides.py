"""The two sides of `make bench-pipeline`: the same processes, with one difference.

That is how a message gets from a use case to its handler. Settings, PostgreSQL and Valkey server are the same; each side has a
Redis database of its own.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import redis

from bench._servers import ROOT, running, serving, wait_for
from fairqueue.queues import FairQueue
from fairqueue.queues import queues as fair_queues

# Work of the database in processes, calls to the outside in threads: how the product's operators are told to run it.
WORKERS = (
    ("--class", "bookings", "--class", "loyalty", "--class", "control", "--pool", "prefork", "--concurrency", "2"),
    ("--class", "payments", "--class", "notifications", "--pool", "threads", "--concurrency", "8"),
)


@dataclass(frozen=True)
class Side:
    """One side, running. `redis_url` is as redis-py takes it."""

    name: str
    port: int
    redis_url: str
    done: Path
    producer: "subprocess.Popen[str]"
    sweeper: "subprocess.Popen[bytes] | None"
    pids: tuple[int, ...]

    def post(self, **order: Any) -> list[int]:
        """Let the producer post empty commands; answers when each began, in nanoseconds."""
        if self.producer.stdin is None or self.producer.stdout is None:
            raise RuntimeError("The producer has no pipes.")
        self.producer.stdin.write(json.dumps(order) + "\n")
        self.producer.stdin.flush()
        began: list[int] = json.loads(self.producer.stdout.readline())
        return began

    def waiting(self, client: "redis.Redis") -> int:
        """How many of Celery's messages are in its queues or in its workers' hands."""
        if self.name != "naive":
            views = [FairQueue(name, client).view() for name in fair_queues(client)]
            return sum(view.waiting + view.in_flight for view in views)
        queues = list(client.scan_iter("*.premium", count=1000, _type="list"))
        with client.pipeline() as pipe:
            for key in queues:
                pipe.llen(key)
            pipe.hlen("unacked")
            return sum(pipe.execute())

    @contextmanager
    def measured(self) -> Iterator[None]:
        """The sweeper runs while its own side is measured, and not beside the other."""
        if self.sweeper is not None:
            self.sweeper.send_signal(signal.SIGCONT)
        try:
            yield
        finally:
            if self.sweeper is not None:
                self.sweeper.send_signal(signal.SIGSTOP)


@contextmanager
def side(name: str, environment: Mapping[str, str], folder: Path, *, redis_url: str) -> Iterator[Side]:
    """Start a side's web server, workers, producer and, for the product, its sweeper."""
    done = folder / f"done-{name}"
    done.touch()
    log = folder / f"{name}.log"
    settings = {**environment, "BENCH_SIDE": name, "BENCH_DONE": str(done), "BENCH_LOG": str(log)}
    naive = name == "naive"
    if naive:
        settings["BROKER_TRANSPORT"] = "redis"  # what Celery comes with
    worker = ["bench._naive_worker"] if naive else ["manage", "worker"]
    with ExitStack() as stack:
        port, web = stack.enter_context(serving("bench._naive_wsgi" if naive else "wildrydes.wsgi", settings))
        pids = [web]
        for number, arguments in enumerate(WORKERS):
            health = folder / f"{name}-{number}.health"
            child = stack.enter_context(
                running([*worker, "--tier", "premium", *arguments], {**settings, "HEALTH_FILE": str(health)})
            )
            wait_for(health.exists, child)
            pids.append(child.pid)
        sweeper = None
        if not naive:
            sweeper = stack.enter_context(running(["manage", "sweep"], settings))
            stack.callback(sweeper.send_signal, signal.SIGCONT)
            pids.append(sweeper.pid)
        producer = stack.enter_context(_producer(settings, log))
        yield Side(name, port, redis_url, done, producer, sweeper, (*pids, producer.pid))


@contextmanager
def _producer(environment: Mapping[str, str], log: Path) -> Iterator["subprocess.Popen[str]"]:
    with log.open("ab") as errors:
        child = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "bench._producer"],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        if child.stdout is None or child.stdout.readline().strip() != "ready":
            raise SystemExit(f"The producer did not start; see {log}.")
        yield child
    finally:
        child.terminate()
        child.wait()


def cpu_seconds(roots: Iterable[int]) -> float:
    """User and system time of these processes, their children and what those have reaped."""
    total = 0.0
    for root in roots:
        for process in [psutil.Process(root), *psutil.Process(root).children(recursive=True)]:
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system + times.children_user + times.children_system
    return total
