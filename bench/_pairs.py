"""One pair of `make bench-pipeline`: both sides measured one after the other, in the order given."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import redis

from bench._rides import Rider, book
from bench._servers import say
from bench._sides import Side, cpu_seconds

RIDES = int(os.environ.get("BENCH_RIDES", "250"))
EMPTY = int(os.environ.get("BENCH_EMPTY", "1500"))
# Moderate load: so many per second for so many seconds.
RIDE_RATE, EMPTY_RATE, LATENCY_SECONDS = 8.0, 60.0, 4.0
_VARIANTS = os.environ.get("BENCH_ONLY", "empty,ride").split(",")
_SECONDS_ALLOWED = 120.0


@dataclass(frozen=True)
class Figures:
    """What one run of one side came to; latencies and processor times in milliseconds, per message or ride."""

    per_second: float
    latency_p50: float
    latency_p99: float
    cpu: Mapping[str, float]


Pair = dict[str, dict[str, dict[str, Any]]]


class Bench:
    """Runs pairs on two sides that are up; `shared` are the process ids of the servers that both use."""

    def __init__(self, host: str, riders: Sequence[Rider], shared: Mapping[str, int]) -> None:
        self._host, self._riders, self._shared = host, riders, shared
        self._next_number = 0
        self._stamp = int(time.time())

    def pair(self, sides: Sequence[Side], number: int) -> Pair:
        """Every variant on every side; answers variant → side → figures. Pair 0 is the one that warms up."""
        result: Pair = {}
        for variant in _VARIANTS:
            run = self._empty if variant == "empty" else self._ride
            result[variant] = {}
            for side in sides:
                with side.measured():
                    figures = run(side, f"{self._stamp}-{number}-{side.name}")
                result[variant][side.name] = asdict(figures)
            self._tell(variant, number, result[variant])
        return result

    @staticmethod
    def _tell(variant: str, number: int, sides: Mapping[str, Mapping[str, Any]]) -> None:
        ours, naive = sides["ours"], sides["naive"]
        cpu = {name: f"{each['cpu']['all']:.2f}" for name, each in sides.items()}
        say(
            f"{f'Pair {number}' if number else 'Warming up'}, {variant}: {ours['per_second']:.0f}/s beside "
            f"{naive['per_second']:.0f}/s = {ours['per_second'] / naive['per_second']:.2f}; "
            f"p50 {ours['latency_p50']:.0f} / {naive['latency_p50']:.0f} ms, "
            f"p99 {ours['latency_p99']:.0f} / {naive['latency_p99']:.0f} ms; cpu {cpu['ours']} / {cpu['naive']} ms"
        )

    def _empty(self, side: Side, name: str) -> Figures:
        with self._cpu(side, EMPTY) as cpu:
            began, ended = self._post(side, EMPTY, rate=None)
            elapsed = max(ended) - min(began)
        count = round(EMPTY_RATE * LATENCY_SECONDS)
        began, ended = self._post(side, count, rate=EMPTY_RATE)
        waits = sorted((end - begin) / 1e6 for begin, end in zip(began, ended, strict=True))
        return Figures(EMPTY / (elapsed / 1e9), _quantile(waits, 0.5), _quantile(waits, 0.99), cpu)

    def _post(self, side: Side, count: int, *, rate: float | None) -> tuple[list[int], list[int]]:
        first, self._next_number = self._next_number, self._next_number + count
        side.done.write_text("")
        began = side.post(first=first, count=count, rate=rate, threads=4)
        self._settle(side, lambda: side.done.read_bytes().count(b"\n") >= count)
        ended = {int(number): int(at) for number, at in map(str.split, side.done.read_text().splitlines())}
        return began, [ended[number] for number in range(first, first + count)]

    def _ride(self, side: Side, name: str) -> Figures:
        with self._cpu(side, RIDES) as cpu:
            booked = self._book(side, f"{name}-fast", RIDES, rate=None)
        elapsed = max(end for _, end in booked) - min(begin for begin, _ in booked)
        calm = self._book(side, f"{name}-calm", round(RIDE_RATE * LATENCY_SECONDS), rate=RIDE_RATE)
        waits = sorted((end - begin).total_seconds() * 1e3 for begin, end in calm)
        return Figures(RIDES / elapsed.total_seconds(), _quantile(waits, 0.5), _quantile(waits, 0.99), cpu)

    def _book(self, side: Side, batch: str, count: int, *, rate: float | None) -> list[tuple[Any, Any]]:
        book(side.port, self._host, list(self._riders), batch=batch, count=count, rate=rate)
        self._settle(side, lambda: _states(self._host, batch).get("confirmed", 0) == count)
        return _times(self._host, batch)

    def _settle(self, side: Side, is_done: Callable[[], bool]) -> None:
        """Wait until all is done and nothing is under way any more: reactions, acknowledgements."""
        until = time.monotonic() + _SECONDS_ALLOWED
        client = redis.Redis.from_url(side.redis_url)
        while not (is_done() and side.waiting(client) == 0):
            if time.monotonic() > until:
                raise SystemExit(f"{side.name} did not end within {_SECONDS_ALLOWED:.0f} seconds: see its log.")
            time.sleep(0.05)
        client.close()

    @contextmanager
    def _cpu(self, side: Side, count: int) -> Iterator[dict[str, float]]:
        roots = {"python": side.pids, **{name: (pid,) for name, pid in self._shared.items()}}
        before = {name: cpu_seconds(pids) for name, pids in roots.items()}
        spent: dict[str, float] = {}
        yield spent
        for name, pids in roots.items():
            spent[name] = (cpu_seconds(pids) - before[name]) * 1e3 / count
        spent["all"] = sum(spent.values())


def _states(host: str, batch: str) -> dict[str, int]:
    from django.db.models import Count

    with _in_tenant(host):
        rows = _bookings(batch).values_list("state").annotate(count=Count("id")).order_by()
        states = {str(state): int(count) for state, count in rows}
    if set(states) - {"requested", "paying", "confirmed"}:
        raise SystemExit(f"Rides failed: {states}")
    return states


def _times(host: str, batch: str) -> list[tuple[Any, Any]]:
    """When each ride was accepted and confirmed, by the database's clock."""
    with _in_tenant(host):
        return list(_bookings(batch).values_list("requested_at", "confirmed_at"))


def _bookings(batch: str) -> Any:
    from bookings.models import Booking

    return Booking.objects.filter(reference=batch)


def _in_tenant(host: str) -> Any:
    from tenants.registry.context import enter_tenant
    from tenants.registry.directory import tenant_by_host

    tenant = tenant_by_host(host)
    if tenant is None:
        raise SystemExit("The tenant is gone.")
    return enter_tenant(tenant)


def _quantile(ordered: Sequence[float], q: float) -> float:
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]
