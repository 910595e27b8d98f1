"""Who is near: growing rings of H3 cells around a place, each circle searched completely before the next."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from fleet.capabilities import SpeedClass
from fleet.domain import SEARCH_RINGS, Candidate, Point, by_distance, cells_within, covered_m
from fleet.selectors import free_unicorns

FARTHEST_M = 25_000
"""What the largest ring surely covers, rounded down."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a unicorn must be like to be asked. `during` is from the start (inclusive) to the end (exclusive) of the ride."""

    passengers: int
    during: tuple[datetime, datetime]
    slowest: SpeedClass | None = None
    extras: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbour:
    """A unicorn in the vicinity; `ring` counts the circles from 0, the innermost."""

    unicorn: Candidate
    distance_m: int
    ring: int


def growing_circles(
    pickup: Point, find: Callable[[Sequence[int]], list[Candidate]]
) -> Iterator[list[tuple[float, Candidate]]]:
    """Candidates by distance, in growing circles around the pickup that are searched completely; some may be empty.

    Of the cells searched only the circle that they surely cover counts: in the corners beyond it a unicorn may be farther
    away than one in a cell that was not looked at yet.
    """
    inner = 0.0
    for rings in SEARCH_RINGS:
        outer = covered_m(pickup, rings)
        found = find(cells_within(pickup, rings))
        yield [pair for pair in by_distance(pickup, found) if inner <= pair[0] < outer]
        inner = outer


def neighbours(*, pickup: Point, wanted: Wanted, radius_m: int, enough: int, most: int) -> list[Neighbour]:
    """The nearest unicorns that would do: rings grow until there are `enough` or the radius is reached; nearest first.

    The ring in which enough are found is taken whole, up to `most` in all.
    """

    def find(cells: Sequence[int]) -> list[Candidate]:
        return free_unicorns(
            cells=cells,
            passengers=wanted.passengers,
            during=wanted.during,
            slowest=wanted.slowest,
            extras=wanted.extras,
        )

    found: list[Neighbour] = []
    for ring, circle in enumerate(growing_circles(pickup, find)):
        found += [
            Neighbour(unicorn=candidate, distance_m=round(distance), ring=ring)
            for distance, candidate in circle
            if distance <= radius_m
        ]
        if len(found) >= enough or covered_m(pickup, SEARCH_RINGS[ring]) > radius_m:
            break
    return found[:most]
