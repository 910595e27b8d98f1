"""Figures of a comparison: percentiles of waiting time for quiet and noisy tenants, throughput, Jain's index."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from messaging.lab.loads import Load
from messaging.lab.simulating import Result


@dataclass(frozen=True, kw_only=True)
class Waits:
    """In seconds, from the scheduled moment of sending; 0 where nobody sent."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """One strategy. `jain` is 1 when all tenants were served alike well (mean slow-down), 1/n when one got everything."""

    strategy: str
    quiet: Waits
    noisy: Waits
    per_second: float
    jain: float
    queues: int
    moved: int

    def as_json(self) -> dict[str, object]:
        """For a file of results."""
        return asdict(self)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that this share of the ordered ones does not exceed (nearest rank); 0 of none."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def waits_of(seconds: Sequence[float]) -> Waits:
    """The three percentiles."""
    ordered = sorted(seconds)
    return Waits(p50=percentile(ordered, 0.5), p95=percentile(ordered, 0.95), p99=percentile(ordered, 0.99))


def jains_index(values: Sequence[float]) -> float:
    """(Σx)² / (n·Σx²), Jain, Chiu & Hawe 1984; 1 of none."""
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 1.0


def row_of(strategy: str, load: Load, result: Result) -> Row:
    """A result in figures."""
    return Row(
        strategy=strategy,
        quiet=waits_of(
            [wait for tenant, waits in result.waits.items() if tenant not in load.noisy for _, wait in waits]
        ),
        noisy=waits_of([wait for tenant, waits in result.waits.items() if tenant in load.noisy for _, wait in waits]),
        per_second=result.messages / result.finished_at if result.finished_at else 0.0,
        jain=jains_index(_promptness(result.waits, load)),
        queues=result.queues,
        moved=result.moved,
    )


def _promptness(waits: Mapping[str, Sequence[tuple[float, float]]], load: Load) -> list[float]:
    """For each quiet tenant, how prompt it was served: 1 at once, 1/2 when it waited a second on average, and so on."""
    means = (
        sum(wait for _, wait in own) / len(own) for tenant, own in waits.items() if own and tenant not in load.noisy
    )
    return [1 / (1 + mean) for mean in means]
