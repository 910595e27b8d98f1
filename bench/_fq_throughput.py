"""Throughput: how fast real workers empty a queue of trivial tasks, pair by pair, and what each message costs the server."""

import os
import random
import statistics
import time
from collections.abc import Sequence
from typing import Any

from bench._fq_sides import QUEUE, Side, interleaved, message, tree_seconds, wait_until_count
from bench._servers import say

PAIRS = int(os.environ.get("BENCH_PAIRS", "8"))
MESSAGES = int(os.environ.get("BENCH_MESSAGES", "2000"))
GROUPS = 100
POOLS = {"prefork": ("--pool", "prefork", "--concurrency", "2"), "threads": ("--pool", "threads", "--concurrency", "8")}

Figures = dict[str, float]


def measure(both: Sequence[Side]) -> dict[str, Any]:
    """Pairs for each pool; the first warms up and does not count."""
    found: dict[str, Any] = {}
    for pool, arguments in POOLS.items():
        pairs = []
        with both[0].worker(*arguments) as first, both[1].worker(*arguments) as second:
            workers = {both[0].name: first, both[1].name: second}
            for number in range(PAIRS + 1):
                pair = {side.name: _run(side, workers[side.name]) for side in interleaved(number, both)}
                fair, stock = pair["fairqueue"]["per_second"], pair["stock"]["per_second"]
                say(f"{pool} {number or 'warming up'}: {fair:.0f}/s beside {stock:.0f}/s = {fair / stock:.3f}")
                if number:
                    pairs.append(pair)
        found[pool] = _summary(pairs)
    return found


def _run(side: Side, worker: Any) -> Figures:
    side.control("cancel_consumer", queue=QUEUE)
    time.sleep(1.1)  # until the BRPOP under way has ended
    side.empty()
    sending = _fill(side)
    before, cpu = _server(side), tree_seconds(worker)
    side.control("add_consumer", queue=QUEUE)
    wait_until_count(side, MESSAGES, 120)
    time.sleep(0.2)
    after, cpu = _server(side), tree_seconds(worker) - cpu
    begun = sorted(line[2] for line in side.lines())
    return {
        "per_second": (len(begun) - 1) / ((begun[-1] - begun[0]) / 1e9),
        "sent_per_second": MESSAGES / sending,
        "worker_cpu_ms": cpu / MESSAGES * 1000,
        **{name: (after[name] - before[name]) / MESSAGES for name in after},
    }


def _fill(side: Side) -> float:
    producer, now = side.connection.Producer(), time.time_ns()
    began = time.monotonic()
    for number in range(MESSAGES):
        producer.publish(**message(f"g{number % GROUPS}", now, 0, number))
    return time.monotonic() - began


def _server(side: Side) -> Figures:
    info: Any = side.client.info("all")
    return {
        "round_trips": info["total_reads_processed"],
        "bytes": info["total_net_input_bytes"] + info["total_net_output_bytes"],
        "server_cpu_us": (info["used_cpu_user"] + info["used_cpu_sys"]) * 1e6,
        "commands": sum(stat["calls"] for name, stat in info.items() if name.startswith("cmdstat_")),
    }


def _summary(pairs: Sequence[dict[str, Figures]]) -> dict[str, Any]:
    ratios = [pair["fairqueue"]["per_second"] / pair["stock"]["per_second"] for pair in pairs]
    low, high = interval(ratios)
    summary: dict[str, Any] = {"ratio": round(statistics.median(ratios), 3), "interval": [low, high]}
    summary["ratios"] = [round(ratio, 3) for ratio in ratios]
    for name in ("fairqueue", "stock"):
        summary[name] = {
            figure: round(statistics.median(pair[name][figure] for pair in pairs), 3) for figure in pairs[0][name]
        }
    return summary


def interval(values: Sequence[float], *, draws: int = 4000) -> tuple[float, float]:
    """The middle 95 % of medians of samples drawn from these, with a fixed seed."""
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(draws))
    return round(medians[int(draws * 0.025)], 3), round(medians[int(draws * 0.975)], 3)
