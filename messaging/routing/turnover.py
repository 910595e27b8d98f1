"""Queues come and go with the strategies in force: one that nobody sends to any more is served until it is empty."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Standing:
    """Since when a queue has been unwanted (the caller's clock, seconds); None: it is in use."""

    retiring_since: float | None = None

    @property
    def is_retiring(self) -> bool:
        """Whether it is served only to be emptied."""
        return self.retiring_since is not None


@dataclass(frozen=True, slots=True)
class Turnover:
    """What becomes of the queues: those that are served from now on, and those that are gone."""

    served: Mapping[str, Standing]
    gone: frozenset[str]


def candidates(known: Mapping[str, Standing], wanted: Collection[str], *, now: float, grace: float) -> frozenset[str]:
    """Which queues would go if they were empty: only these have to be looked at."""
    over = now - grace
    return frozenset(
        queue
        for queue, standing in known.items()
        if queue not in wanted and standing.retiring_since is not None and standing.retiring_since <= over
    )


def turn_over(
    known: Mapping[str, Standing], wanted: Collection[str], empty: Iterable[str], *, now: float, grace: float
) -> Turnover:
    """Decide. `known` are the queues served until now, `wanted` those that may be sent to, `empty` those seen empty now.

    One that is wanted again is in use again, whatever it holds. `grace` is in seconds, longer than any process remembers a tenant
    or a choice: until then somebody may still send to the old queue.
    """
    gone = candidates(known, wanted, now=now, grace=grace).intersection(empty)
    served = {
        queue: standing if standing.is_retiring else Standing(now)
        for queue, standing in known.items()
        if queue not in wanted and queue not in gone
    }
    return Turnover({**served, **dict.fromkeys(wanted, Standing())}, gone)
