"""Striking the running stack, and mending what nobody else mends: the servers, and what was stopped."""

import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

import psutil
import psycopg
import redis

from chaos.schedule import Kind, Strike
from wildrydes.devstack import Stack, State
from wildrydes.devstack.groups import ProcessId
from wildrydes.embedded import EmbeddedPostgres, EmbeddedServer, EmbeddedValkey

# How long a blow waits for something to be there that it can hit.
WAIT_SECONDS = 10.0
POLL_SECONDS = 0.05
# Beyond the lease, so that somebody else has taken the work over when the frozen worker goes on.
PAST_LEASE_SECONDS = 3.0

T = TypeVar("T")


class Striker:
    """Deals blows to one stack.

    Args:
        stack: with embedded servers.
        processes: the names of all its processes.
        lease_seconds: how long its workers' leases last.
    """

    def __init__(self, stack: Stack, *, processes: Sequence[str], lease_seconds: float) -> None:
        self._stack = stack
        self._processes = processes
        self._workers = sorted(name for name in processes if name.startswith("worker"))
        self._lease = lease_seconds
        self._mends: dict[str, threading.Thread] = {}
        self.problems: list[str] = []
        self._blows: dict[Kind, Callable[[Strike], str | None]] = {
            Kind.WEB: self._web,
            Kind.WEB_MASTER: self._web_master,
            Kind.WEB_WORKER: self._web_worker,
            Kind.WORKER: self._worker,
            Kind.WORKER_CHILD: self._worker_child,
            Kind.WORKER_PARENT: self._worker_parent,
            Kind.WORKER_FROZEN: self._worker_frozen,
            Kind.SWEEPER: self._sweeper,
            Kind.SCHEDULER: self._scheduler,
            Kind.REDIS: self._redis,
            Kind.REDIS_EMPTY: self._redis_empty,
            Kind.REDIS_FLUSHED: self._redis_flushed,
            Kind.REDIS_CUT: self._redis_cut,
            Kind.REDIS_STALLED: self._redis_stalled,
            Kind.POSTGRES: self._postgres_killed,
            Kind.POSTMASTER: self._postmaster,
            Kind.BACKEND: self._backend,
            Kind.BACKEND_STALLED: self._backend_stalled,
            Kind.POSTGRES_CUT: self._postgres_cut,
        }

    def strike(self, strike: Strike) -> str | None:
        """Deal it; answers what was hit, or None when there was nothing to hit for a while."""
        part = strike.kind.part
        if part in {"redis", "postgres"}:
            self._wait_for_mend(part)  # a blow to what is down would be none
        deal = self._blows[strike.kind]
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            with suppress(psutil.Error, psycopg.Error, redis.RedisError, OSError):
                if hit := deal(strike):
                    return hit
            if time.monotonic() > deadline:
                return None
            time.sleep(POLL_SECONDS)

    def restart_given_up(self) -> list[str]:
        """Start again what the manager has given up, as a server's own manager would; the names."""
        given_up = [name for name in self._processes if self._stack.process(name).state == State.GIVEN_UP]
        for name in given_up:
            self._stack.start_process(name)
        return given_up

    def mend(self) -> None:
        """Wait until every server is back and nothing stands still."""
        for name in list(self._mends):
            self._wait_for_mend(name)

    @property
    def _postgres(self) -> EmbeddedPostgres:
        assert self._stack.servers.postgres is not None
        return self._stack.servers.postgres

    @property
    def _valkey(self) -> EmbeddedValkey:
        assert self._stack.servers.valkey is not None
        return self._stack.servers.valkey

    def _wait_for_mend(self, name: str) -> None:
        thread = self._mends.pop(name, None)
        if thread is not None:
            thread.join()

    def _mend_later(self, name: str, seconds: float, act: Callable[[], None]) -> None:
        def run() -> None:
            time.sleep(seconds)
            try:
                act()
            except Exception as error:  # noqa: BLE001 - told at the end; the healing tries once more
                self.problems.append(f"{name}: {error}")

        thread = self._mends[name] = threading.Thread(target=run, name=f"mend-{name}", daemon=True)
        thread.start()

    def _group(self, name: str) -> str | None:
        pid = self._stack.process(name).pid
        if pid is None:
            return None
        self._stack.process(name).kill()
        return f"{name} ({pid})"

    def _leader(self, name: str) -> str | None:
        pid = self._stack.process(name).pid
        if pid is None or not psutil.Process(pid).children():
            return None
        self._stack.process(name).kill_leader()
        return f"{name} ({pid})"

    def _child(self, name: str, pick: float) -> str | None:
        pid = self._stack.process(name).pid
        children = psutil.Process(pid).children() if pid is not None else []
        if not children:
            return None
        child = _picked(sorted(children, key=lambda one: one.pid), pick)
        child.kill()
        return f"{name}, process {child.pid} of {len(children)}"

    def _web(self, _strike: Strike) -> str | None:
        return self._group("web")

    def _web_master(self, _strike: Strike) -> str | None:
        return self._leader("web")

    def _web_worker(self, strike: Strike) -> str | None:
        return self._child("web", strike.pick)

    def _worker(self, strike: Strike) -> str | None:
        return self._group(_picked(self._workers, strike.pick))

    def _prefork(self) -> list[str]:
        """The workers that have children now."""
        pids = {name: self._stack.process(name).pid for name in self._workers}
        return [name for name, pid in pids.items() if pid is not None and psutil.Process(pid).children()]

    def _worker_child(self, strike: Strike) -> str | None:
        found = self._prefork()
        return self._child(_picked(found, strike.pick), strike.hold % 1) if found else None

    def _worker_parent(self, strike: Strike) -> str | None:
        found = self._prefork()
        return self._leader(_picked(found, strike.pick)) if found else None

    def _worker_frozen(self, strike: Strike) -> str | None:
        name = _picked(self._workers, strike.pick)
        pid = self._stack.process(name).pid
        if pid is None:
            return None
        frozen = ProcessId.of(pid).group()
        for process in frozen:
            process.suspend()

        def go_on() -> None:
            for process in frozen:
                with suppress(psutil.Error):
                    process.resume()

        self._mend_later(f"frozen {name} {strike.number}", self._lease + PAST_LEASE_SECONDS, go_on)
        return f"{name} ({pid})"

    def _sweeper(self, _strike: Strike) -> str | None:
        return self._group("sweeper")

    def _scheduler(self, _strike: Strike) -> str | None:
        return self._group("scheduler")

    def _kill_server(self, part: str, server: EmbeddedServer, strike: Strike, *, alone: bool = False) -> str | None:
        pid = server.pid
        if pid is None:
            return None
        if alone:
            psutil.Process(pid).kill()
        else:
            server.kill()
        self._mend_later(part, strike.hold, server.start)
        return f"{part} ({pid}), down for {strike.hold:.1f} s"

    def _redis(self, strike: Strike) -> str | None:
        return self._kill_server("redis", self._valkey, strike)

    def _redis_empty(self, strike: Strike) -> str | None:
        pid = self._valkey.pid
        if pid is None:
            return None
        self._valkey.kill()
        self._valkey.destroy()
        self._mend_later("redis", strike.hold, self._valkey.start)
        return f"redis ({pid}), down for {strike.hold:.1f} s"

    def _redis_flushed(self, _strike: Strike) -> str | None:
        with _redis_client(self._valkey) as client:
            keys = int(client.dbsize())
            client.flushall()
        return f"{keys} keys"

    def _redis_cut(self, _strike: Strike) -> str | None:
        with _redis_client(self._valkey) as client:
            cut = sum(
                int(client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"))
                for kind in ("normal", "pubsub")
            )
        return f"{cut} connections" if cut else None

    def _redis_stalled(self, strike: Strike) -> str | None:
        pid = self._valkey.pid
        if pid is None:
            return None
        process = psutil.Process(pid)
        process.send_signal(signal.SIGSTOP)

        def go_on() -> None:
            with suppress(psutil.NoSuchProcess):
                process.resume()

        self._mend_later("redis", strike.hold, go_on)
        return f"redis ({pid}) for {strike.hold:.1f} s"

    def _postgres_killed(self, strike: Strike) -> str | None:
        return self._kill_server("postgres", self._postgres, strike)

    def _postmaster(self, strike: Strike) -> str | None:
        return self._kill_server("postgres", self._postgres, strike, alone=True)

    def _one_backend(self, pick: float) -> psutil.Process | None:
        pid = self._postgres.pid
        found = [one for one in psutil.Process(pid).children() if _is_session(one)] if pid is not None else []
        return _picked(sorted(found, key=lambda one: one.pid), pick) if found else None

    def _backend(self, strike: Strike) -> str | None:
        backend = self._one_backend(strike.pick)
        if backend is None:
            return None
        backend.kill()
        return f"backend {backend.pid}"

    def _backend_stalled(self, strike: Strike) -> str | None:
        backend = self._one_backend(strike.pick)
        if backend is None:
            return None
        backend.suspend()

        def go_on() -> None:
            with suppress(psutil.NoSuchProcess):
                backend.resume()

        self._mend_later(f"backend {strike.number}", strike.hold, go_on)
        return f"backend {backend.pid} for {strike.hold:.1f} s"

    def _postgres_cut(self, _strike: Strike) -> str | None:
        with psycopg.connect(self._postgres.url, autocommit=True, connect_timeout=5) as session:
            row = session.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE usename = current_user AND pid <> pg_backend_pid()"
            ).fetchone()
        return f"{row[0]} connections" if row and row[0] else None


def _picked(found: Sequence[T], pick: float) -> T:
    return found[int(pick * len(found))]


def _is_session(process: psutil.Process) -> bool:
    """Whether it serves one of the product's connections; PostgreSQL writes that into the process's title."""
    with suppress(psutil.Error):
        return " ".join(process.cmdline()).startswith("postgres: wildrydes ")
    return False


def _redis_client(valkey: EmbeddedValkey) -> redis.Redis:
    return redis.Redis.from_url(valkey.client_url, socket_timeout=3, socket_connect_timeout=3)
