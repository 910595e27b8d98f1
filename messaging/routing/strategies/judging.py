"""When a tenant is moved to its overflow queue, and when it comes back: a small state machine with hysteresis, pure.

The producer's side is its backlog, the consumer's side its processing time and share of errors: any of the three moves it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Stage(StrEnum):
    """Where a tenant's messages of one class go."""

    NORMAL = "normal"
    MOVED = "moved"
    RETURNING = "returning"


class Trigger(StrEnum):
    """What moved it, and who saw that."""

    BACKLOG = "backlog"
    SLOW = "slow"
    ERRORS = "errors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """A look at one tenant and class: what waits in all its queues, and what workers measured lately.

    `seconds` is the mean processing time and `errors` the share of failures (0 to 1) over the last `samples` messages;
    `left_behind` is how many messages its overflow queue still holds.
    """

    backlog: int = 0
    seconds: float = 0.0
    errors: float = 0.0
    samples: int = 0
    left_behind: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """Stage, since when everything has been calm (the caller's clock, seconds; None: it is not) and what moved the tenant."""

    stage: Stage = Stage.NORMAL
    calm_since: float | None = None
    trigger: Trigger | None = None

    @property
    def moved(self) -> bool:
        """Whether new messages go to the overflow queue."""
        return self.stage is Stage.MOVED


def trigger_of(seen: Measures, options: Mapping[str, float], *, factor: float = 1.0) -> Trigger | None:
    """Which limit, times `factor`, is passed; None: none is."""
    if seen.backlog > options["backlog"] * factor:
        return Trigger.BACKLOG
    if seen.samples >= options["samples"]:
        if seen.errors > options["errors"] * factor:
            return Trigger.ERRORS
        if seen.seconds > options["seconds"] * factor:
            return Trigger.SLOW
    return None


def judge(state: State, seen: Measures, options: Mapping[str, float], *, now: float) -> State:
    """The next state.

    A tenant comes back when all three have been under half of their limits for `calm` seconds; then new messages go the
    usual way while the overflow queue is served until it is empty, and only then is it over. A limit passed meanwhile moves it
    again.
    """
    trigger = trigger_of(seen, options)
    if trigger is not None:
        return State(Stage.MOVED, None, state.trigger if state.stage is Stage.MOVED else trigger)
    if state.stage is Stage.RETURNING:
        return state if seen.left_behind else State()
    if state.stage is Stage.NORMAL:
        return state
    if trigger_of(seen, options, factor=0.5) is not None:
        return replace(state, calm_since=None)
    since = now if state.calm_since is None else state.calm_since
    if now - since < options["calm"]:
        return replace(state, calm_since=since)
    return State(Stage.RETURNING, None, state.trigger)
