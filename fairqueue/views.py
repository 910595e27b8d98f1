"""What one sees of a queue: frozen values, times in seconds, shares between 0 and 1."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupView:
    """One group of a queue.

    `oldest` is how long its oldest waiting message has waited, `share` its part of the worker time of the recent past (one
    minute by default), `expected` the seconds one of its messages is expected to take.
    """

    group: str
    waiting: int
    in_flight: int
    oldest: float | None
    share: float
    expected: float
    noisy: bool
    weight: float
    cap: int | None
    paused: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueView:
    """A queue as a whole. `workers` is how many were busy on average in the recent past."""

    queue: str
    waiting: int
    in_flight: int
    delayed: int
    dead: int
    groups: int
    oldest: float | None
    workers: float
    total_cap: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """Where a message that is sent now would stand: messages that are taken before it, and its expected wait in seconds."""

    ahead: int
    own_ahead: int
    wait: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Why:
    """Why a message waited. `state` is waiting, in flight, taken or unknown; `reasons` are sentences, the weightiest first."""

    tag: str
    state: str
    group: str | None
    waited: float | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """A message that was given up. `payload` is kombu's JSON of the message."""

    tag: str
    group: str
    died_at: datetime
    reason: str
    deliveries: int
    payload: str
