"""The two sides of `make bench-fairqueue`: a Valkey with a port of its own and real Celery workers, with one difference."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import redis
from kombu import Connection

from bench._servers import free_port, running, wait_for
from wildrydes.embedded._binaries import valkey_program

SCHEMES = {"fairqueue": "fair+redis", "stock": "redis"}
QUEUE = "work"


@contextmanager
def valkey(folder: Path) -> Iterator[int]:
    """A server on a free port, append-only file synced each second; yields the port."""
    import subprocess

    folder.mkdir(parents=True)
    port = free_port()
    settings = {"port": port, "dir": folder, "appendonly": "yes", "save": "", "bind": "127.0.0.1"}
    options = [str(part) for name, value in settings.items() for part in (f"--{name}", value)]
    with (folder / "log").open("ab") as log:
        server = subprocess.Popen([str(valkey_program()), *options], stdout=log, stderr=log)
    try:
        wait_for(lambda: _answers(port))
        yield port
    finally:
        server.terminate()
        server.wait()


def _answers(port: int) -> bool:
    try:
        return bool(redis.Redis(port=port).ping())
    except redis.ConnectionError:
        return False


@dataclass
class Side:
    """One transport: its server, and where its tasks write."""

    name: str
    port: int
    done: Path

    @property
    def url(self) -> str:
        """The broker as Celery wants it."""
        return f"{SCHEMES[self.name]}://127.0.0.1:{self.port}/0"

    @cached_property
    def client(self) -> redis.Redis:
        """The server, directly."""
        return redis.Redis(port=self.port)

    @cached_property
    def connection(self) -> Connection:
        """The broker through kombu, as a sender has it."""
        import fairqueue

        assert fairqueue
        return Connection(self.url)

    def environment(self, **more: str) -> dict[str, str]:
        """For processes of this side."""
        return {
            "FQ_BROKER": self.url,
            "FQ_DONE": str(self.done),
            "BENCH_LOG": str(self.done.with_suffix(".log")),
            **more,
        }

    @contextmanager
    def worker(self, *arguments: str, **environment: str) -> Iterator[psutil.Process]:
        """A Celery worker, ready to take."""
        name = f"w{time.time_ns()}@bench"
        command = [
            "celery",
            "-A",
            "bench._fq_app",
            "worker",
            "--hostname",
            name,
            "--loglevel",
            "ERROR",
            "--without-gossip",
        ]
        with running([*command, "--without-mingle", *arguments], self.environment(**environment)) as child:
            wait_for(lambda: bool(self._ping(name)), child)
            yield psutil.Process(child.pid)

    def control(self, command: str, **arguments: Any) -> None:
        """Tell all workers, and wait for the first answer."""
        from kombu.pidbox import Mailbox

        mailbox = Mailbox("celery", type="fanout", accept=["json"])(self.connection)
        mailbox.call_later = None
        mailbox._broadcast(command, arguments, reply=True, timeout=10, limit=1)  # noqa: SLF001  # as Celery's control does

    def _ping(self, name: str) -> Any:
        from kombu.pidbox import Mailbox

        mailbox = Mailbox("celery", type="fanout", accept=["json"])(self.connection)
        return mailbox._broadcast("ping", {}, destination=[name], reply=True, timeout=1, limit=1)  # noqa: SLF001  # as above

    def lines(self) -> list[tuple[str, int, int]]:
        """What the tasks wrote: group, due, begun."""
        rows = [line.split() for line in self.done.read_bytes().splitlines()]
        return [(group.decode(), int(due), int(begun)) for group, due, begun in rows]

    def count(self) -> int:
        """How many tasks began."""
        with self.done.open("rb") as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))

    def empty(self) -> None:
        """Forget what was written and what waits."""
        self.connection.default_channel.queue_purge(QUEUE)
        self.done.write_bytes(b"")


@contextmanager
def sides(folder: Path) -> Iterator[list[Side]]:
    """Both, each with a server of its own."""
    with ExitStack() as stack:
        found = []
        for name in SCHEMES:
            port = stack.enter_context(valkey(folder / name))
            side = Side(name, port, folder / f"{name}.done")
            side.done.touch()
            stack.callback(side.connection.release)
            found.append(side)
        yield found


def message(group: str, due: int, seconds: float, number: int) -> dict[str, Any]:
    """What `publish` of kombu takes for a call of the task `work` (Celery's protocol 2)."""
    headers = {"lang": "py", "task": "work", "id": f"{due}-{number}", "root_id": None, "parent_id": None, "group": None}
    headers |= {"eta": None, "expires": None, "retries": 0, "timelimit": [None, None], "argsrepr": "", "kwargsrepr": ""}
    embed = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    return {
        "body": [[group, due, seconds], {}, embed],
        "headers": headers,
        "serializer": "json",
        "exchange": "",
        "routing_key": QUEUE,
        "correlation_id": headers["id"],
        "MessageGroupId": group,
    }


def tree_seconds(process: psutil.Process) -> float:
    """User and system time of a process and its children."""
    total = 0.0
    for each in [process, *process.children(recursive=True)]:
        times = each.cpu_times()
        total += times.user + times.system
    return total


def interleaved(number: int, both: Sequence[Side]) -> list[Side]:
    """Which side is measured first changes from pair to pair."""
    return list(both) if number % 2 == 0 else list(reversed(both))


def wait_until_count(side: Side, count: int, seconds: float, *, poke: bool = False) -> None:
    """Until so many tasks began; with `poke` a message is sent now and then, for consumers that may not be there yet.

    Raises:
        SystemExit: it takes longer.
    """
    until = time.monotonic() + seconds
    while side.count() < count:
        if poke:
            side.connection.Producer().publish(**message("poke", time.time_ns(), 0, 0))
            time.sleep(0.5)
        if time.monotonic() > until:
            sys.exit(f"{side.name}: {side.count()} of {count} within {seconds} s; see {side.done.parent}")
        time.sleep(0.02)
