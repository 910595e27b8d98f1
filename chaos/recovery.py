"""How long the kills were felt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chaos.evidence import Evidence
from chaos.promises import Promise, Story

CONFIRMED = "succeeded"


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Seconds.

    Attributes:
        next_confirmed: per kill, from it to the confirmation of the first ride that was accepted after it, by a company that
            the kill concerns: the part works again.
        open_ended: per ride that was open at a kill that concerns its company, from the kill to the ride's end.
        rides: per ride, from the 202 to its end.
        unrecovered: numbers of kills after which no later ride was confirmed.
    """

    next_confirmed: Sequence[float]
    open_ended: Sequence[float]
    rides: Sequence[float]
    unrecovered: Sequence[int]


def measure(story: Story, evidence: Evidence) -> Recovery:
    """Compare the times of the kills with what became of the rides. One machine, so one clock."""
    rides = [ride for promise in story.promises.values() if (ride := _ride(promise, evidence))]
    following, open_ended, unrecovered = [], [], []
    for blow in story.blows:
        concerned = [ride for ride in rides if ride.company in blow.companies]
        later = [ride.ended for ride in concerned if ride.began >= blow.at and ride.is_confirmed]
        if later:
            following.append(min(later) - blow.at)
        else:
            unrecovered.append(blow.number)
        open_ended += [ride.ended - blow.at for ride in concerned if ride.began < blow.at < ride.ended]
    return Recovery(
        next_confirmed=sorted(following),
        open_ended=sorted(open_ended),
        rides=sorted(ride.ended - ride.began for ride in rides),
        unrecovered=unrecovered,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Of sorted values, the nearest rank; 0 when there are none."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0


@dataclass(frozen=True)
class _Ride:
    company: str
    began: float
    ended: float
    is_confirmed: bool


def _ride(promise: Promise, evidence: Evidence) -> _Ride | None:
    operation = evidence["companies"].get(promise.company, {}).get("operations", {}).get(promise.operation)
    if operation is None or operation["finished_at"] is None:
        return None
    began, ended = (datetime.fromisoformat(operation[name]).timestamp() for name in ("created_at", "finished_at"))
    return _Ride(promise.company, began, ended, operation["status"] == CONFIRMED)
