"""Which blow falls when: drawn from the seed alone, so that a failing run can be struck again in the same way."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A way to hurt the product."""

    WEB = "web: SIGKILL to gunicorn and its workers"
    WEB_MASTER = "web: SIGKILL to gunicorn's master alone"
    WEB_WORKER = "web: SIGKILL to one of gunicorn's workers"
    WORKER = "worker: SIGKILL with all its processes"
    WORKER_CHILD = "worker: SIGKILL to a prefork child"
    WORKER_PARENT = "worker: SIGKILL to a prefork parent alone"
    WORKER_FROZEN = "worker: SIGSTOP past its lease, then SIGCONT"
    SWEEPER = "sweeper: SIGKILL"
    SCHEDULER = "scheduler: SIGKILL"
    REDIS = "redis: SIGKILL"
    REDIS_EMPTY = "redis: SIGKILL, back without its data"
    REDIS_FLUSHED = "redis: FLUSHALL"
    REDIS_CUT = "redis: CLIENT KILL of every connection"
    REDIS_STALLED = "redis: SIGSTOP, then SIGCONT"
    POSTGRES = "postgres: SIGKILL to all its processes"
    POSTMASTER = "postgres: SIGKILL to the postmaster alone"
    BACKEND = "postgres: SIGKILL to one backend"
    BACKEND_STALLED = "postgres: SIGSTOP to one backend, then SIGCONT"
    POSTGRES_CUT = "postgres: pg_terminate_backend for every connection"

    @property
    def part(self) -> str:
        """What is hurt: web, worker, sweeper, scheduler, redis or postgres."""
        return self.value.partition(":")[0]


# How often each comes in a hundred, beyond the one of each that every run begins with.
WEIGHTS = {
    Kind.WEB: 8,
    Kind.WEB_MASTER: 4,
    Kind.WEB_WORKER: 10,
    Kind.WORKER: 20,
    Kind.WORKER_CHILD: 8,
    Kind.WORKER_PARENT: 4,
    Kind.WORKER_FROZEN: 1,
    Kind.SWEEPER: 8,
    Kind.SCHEDULER: 4,
    Kind.REDIS: 7,
    Kind.REDIS_EMPTY: 3,
    Kind.REDIS_FLUSHED: 5,
    Kind.REDIS_CUT: 4,
    Kind.REDIS_STALLED: 2,
    Kind.POSTGRES: 3,
    Kind.POSTMASTER: 2,
    Kind.BACKEND: 4,
    Kind.BACKEND_STALLED: 2,
    Kind.POSTGRES_CUT: 3,
}
# How long a server stays down or silent, in seconds: from a quick restart to one that is noticed.
SHORTEST_HOLD, LONGEST_HOLD = 0.0, 4.0


@dataclass(frozen=True, kw_only=True)
class Strike:
    """One blow.

    Attributes:
        number: counted from 1.
        pause: seconds since the blow before.
        kind: what is done.
        pick: between 0 and 1, chooses among what is there to be hit (workers, children, backends).
        hold: seconds until a server is started again or goes on.
    """

    number: int
    pause: float
    kind: Kind
    pick: float
    hold: float


def draw(seed: int, *, mean_pause: float, kinds: Sequence[Kind] = tuple(Kind)) -> Iterator[Strike]:
    """The blows of a seed, without end; each kind comes once before any comes twice."""
    dice = random.Random(f"strikes {seed}")
    first = list(kinds)
    dice.shuffle(first)
    weights = [WEIGHTS[kind] for kind in kinds]
    number = 0
    while True:
        number += 1
        yield Strike(
            number=number,
            pause=dice.uniform(0.5, 1.5) * mean_pause,
            kind=first.pop() if first else dice.choices(list(kinds), weights)[0],
            pick=dice.random(),
            hold=dice.uniform(SHORTEST_HOLD, LONGEST_HOLD),
        )
