"""Waiting: from when a message was due to be sent until a worker began with it, with one tenant that disturbs and without.

Senders keep to a timetable whatever the queue does (open loop); handlers sleep. What has not begun when a run ends has waited
until then.
"""

import os
import random
import statistics
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from bench._fq_sides import QUEUE, Side, interleaved, message, wait_until_count
from bench._servers import running, say, wait_for
from fairqueue import FairQueue

SECONDS = float(os.environ.get("BENCH_SECONDS", "20"))
REPEATS = int(os.environ.get("BENCH_REPEATS", "3"))
THREADS = 40
WORKERS = 2
WORKER = ("--pool", "threads", "--concurrency", str(THREADS // WORKERS))
# As README recommends beside slow work: no worker hoards what another could take.
SETTINGS = {"FQ_PREFETCH": "1", "FQ_ACKS_LATE": "1"}
_FROM, _TO = 2.0, 1.0


@dataclass(frozen=True)
class Tenants:
    """So many alike: each sends `rate` messages a second, at random, and `burst` at once at a third of the time.

    `work` is how many seconds a message takes, give or take half of it.
    """

    name: str
    count: int
    rate: float
    work: float
    burst: int = 0


@dataclass(frozen=True)
class Scenario:
    """Who sends; the first disturbs, the others are quiet."""

    name: str
    noisy: Tenants
    quiet: Tenants

    def timetable(self, seed: int, *, with_noisy: bool = True) -> list[tuple[float, str, float]]:
        """When, who, and how long it takes: the quiet ones' part is the same with and without the noisy one."""
        due: list[tuple[float, str, float]] = []
        for tenants in (self.quiet, self.noisy) if with_noisy else (self.quiet,):
            chance = random.Random(f"{seed} {tenants.name}")
            for number in range(tenants.count):
                group = f"{tenants.name}-{number}"
                due += [(SECONDS / 3, group, tenants.work * chance.uniform(0.5, 1.5)) for _ in range(tenants.burst)]
                moment = chance.expovariate(tenants.rate) if tenants.rate else SECONDS
                while moment < SECONDS:
                    due.append((moment, group, tenants.work * chance.uniform(0.5, 1.5)))
                    moment += chance.expovariate(tenants.rate)
        return sorted(due)


# Amazon's sample: 1,000 messages a second of one tenant, 50 of each of nine; 40 consumers take batches of 20 and work 500 ms on
# each. Here a fifth of the rates and of the batch, and 600 ms, which makes room for 267 of the 290 that come each second.
SCALE = 5
BATCH, BATCH_SECONDS = 20 // SCALE, 0.6
AMAZON = Scenario("amazon", Tenants("noisy", 1, 1000 / SCALE, 0), Tenants("quiet", 9, 50 / SCALE, 0))
OTHERS = (
    Scenario("slow", Tenants("noisy", 1, 20, 3.0), Tenants("quiet", 9, 10, 0.1)),
    Scenario("burst", Tenants("noisy", 1, 0, 0.1, burst=3000), Tenants("quiet", 9, 10, 0.1)),
    Scenario("many", Tenants("noisy", 1, 200, 0.125), Tenants("quiet", 300, 0.6, 0.125)),
)

Waits = dict[str, list[tuple[float, float]]]


def measure(both: Sequence[Side]) -> dict[str, Any]:
    """Every scenario on both sides; Amazon's several times, with its noisy tenant and without."""
    fair = both[0]
    found = _amazon(both)
    with ExitStack() as stack:
        for side in [*both] * WORKERS:
            stack.enter_context(side.worker(*WORKER, **SETTINGS))
        for number, scenario in enumerate(OTHERS):
            found[scenario.name] = {side.name: summary([run(side, scenario, 1)]) for side in interleaved(number, both)}
        found["slow_capped"] = {"fairqueue": summary([run(fair, OTHERS[0], 1, cap=THREADS // 2)])}
    return found


def _amazon(both: Sequence[Side]) -> dict[str, Any]:
    fair, stock = both
    arguments = ("bench._fq_batches", str(THREADS // WORKERS), str(BATCH), str(BATCH_SECONDS))
    with ExitStack() as stack:
        for side in [*both] * WORKERS:
            stack.enter_context(running(arguments, side.environment()))
        for side in both:
            # The first messages find everybody ready.
            wait_until_count(side, 1, 60, poke=True)
        pairs = [_amazon_pair(fair, number) for number in range(REPEATS)]
        beside = run(stock, AMAZON, 0)
    ratios = [p99(each["with"]["quiet"]) / p99(each["without"]["quiet"]) for each in pairs]
    together, alone = summary([each["with"] for each in pairs]), summary([each["without"] for each in pairs])
    return {
        "amazon": {"fairqueue": together, "stock": summary([beside])},
        "quiet_alone": alone,
        "quiet_p99_ratio": round(together["quiet"]["p99"] / alone["quiet"]["p99"], 3),
        "quiet_p99_ratios": [round(ratio, 3) for ratio in ratios],
    }


def _amazon_pair(side: Side, number: int) -> dict[str, Waits]:
    order = ("with", "without") if number % 2 == 0 else ("without", "with")
    return {name: run(side, AMAZON, number, with_noisy=name == "with") for name in order}


def run(
    side: Side,
    scenario: Scenario,
    seed: int,
    *,
    with_noisy: bool = True,
    seconds: float = SECONDS,
    cap: int | None = None,
) -> Waits:
    """One run: seconds since the start and seconds waited, for each message of the quiet tenants and of the noisy one.

    `cap` is how many messages of each tenant may be in flight at once.
    """
    wait_for(lambda: not side.client.hlen("unacked"))
    side.client.flushdb()
    side.done.write_bytes(b"")
    if cap is not None:
        FairQueue(QUEUE, side.client).set_caps(each=cap)
    timetable = [each for each in scenario.timetable(seed, with_noisy=with_noisy) if each[0] < seconds]
    began = time.time()
    # A tenant that disturbs sends by itself: it does not hold up the others' senders.
    senders = [
        threading.Thread(target=_send, args=(side, [each for each in timetable if is_noisy(each[1]) == noisy], began))
        for noisy in (False, True)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    time.sleep(max(0.0, began + seconds - time.time()))
    end = time.time()
    lines = side.lines()
    side.client.flushdb()
    waits = _waits(timetable, lines, began, end)
    say(f"{scenario.name}{'' if with_noisy else ' without the noisy one'}, {side.name}: {_words(waits)}")
    return waits


def is_noisy(group: str) -> bool:
    """Whether it is the tenant that disturbs."""
    return group.startswith("noisy")


def _send(side: Side, timetable: Sequence[tuple[float, str, float]], began: float) -> None:
    with side.connection.clone() as connection:
        producer = connection.Producer()
        for number, (moment, group, work) in enumerate(timetable):
            time.sleep(max(0.0, began + moment - time.time()))
            producer.publish(**message(group, int((began + moment) * 1e9), work, number))


def _waits(timetable: Sequence[tuple[float, str, float]], lines: Any, began: float, end: float) -> Waits:
    begun: dict[tuple[str, int], list[int]] = {}
    for group, due, at in lines:
        begun.setdefault((group, due), []).append(at)
    waits: Waits = {"quiet": [], "noisy": []}
    for moment, group, _ in timetable:
        due = int((began + moment) * 1e9)
        times = begun.get((group, due))
        at = times.pop(0) / 1e9 if times else end
        if _FROM <= moment <= end - began - _TO:
            waits["noisy" if is_noisy(group) else "quiet"].append((moment, max(0.0, at - due / 1e9)))
    return waits


def p99(rows: Sequence[tuple[float, float]]) -> float:
    """Of the seconds waited."""
    return quantile([wait for _, wait in rows], 0.99)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that so large a share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def summary(runs: Sequence[Waits]) -> dict[str, Any]:
    """Over all runs: quantiles in seconds; and over time, the median and the 95th percentile of those due in each second."""
    told: dict[str, Any] = {}
    for who in ("quiet", "noisy"):
        rows = [row for waits in runs for row in waits[who]]
        if rows:
            waited = [wait for _, wait in rows]
            told[who] = {"count": len(rows), **{f"p{n}": round(quantile(waited, n / 100), 4) for n in (50, 95, 99)}}
            told[who]["over_time"] = _over_time(rows)
    return told


def _over_time(rows: Sequence[tuple[float, float]]) -> list[tuple[int, float, float]]:
    seconds: dict[int, list[float]] = {}
    for moment, wait in rows:
        seconds.setdefault(int(moment), []).append(wait)
    return [
        (second, round(statistics.median(waits), 4), round(quantile(waits, 0.95), 4))
        for second, waits in sorted(seconds.items())
    ]


def _words(waits: Waits) -> str:
    return ", ".join(
        f"{who} p50 {quantile([wait for _, wait in rows], 0.5):.3f} p99 {p99(rows):.3f} s"
        for who, rows in waits.items()
        if rows
    )
