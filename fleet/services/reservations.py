"""Promising a unicorn's time to a booking, and giving it back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from fleet.domain import Candidate, Point, ReservedUnicorn, distance_m, eta_seconds
from fleet.models import Reservation, UnicornPosition, UnicornStatus
from fleet.selectors import free_unicorns
from fleet.vicinity import growing_circles
from wildrydes.kernel.ids import new_id

# Takes the first unicorn of the list that nobody else is just taking (SKIP LOCKED): many bookings at once spread over the
# unicorns and do not queue for the nearest one. ON CONFLICT covers the exclusion constraint too, without a savepoint.
_TAKE_FIRST_UNLOCKED = """
    WITH chosen AS (
        SELECT unicorn.number FROM fleet_unicorn AS unicorn
        WHERE unicorn.number = ANY(%(numbers)s) AND unicorn.status = %(available)s
          AND NOT EXISTS (
              SELECT FROM fleet_reservation AS taken
              WHERE taken.unicorn_number = unicorn.number AND taken.released_at IS NULL
                AND taken.during && tstzrange(%(start)s, %(end)s)
          )
        ORDER BY array_position(%(numbers)s, unicorn.number)
        LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
    )
    INSERT INTO fleet_reservation (id, unicorn_number, tenant_id, booking_id, during, distance_m, expires_at)
    SELECT %(id)s, number, %(tenant_id)s, %(booking_id)s, tstzrange(%(start)s, %(end)s),
           (%(distances)s::int[])[array_position(%(numbers)s, number)], %(expires)s
    FROM chosen
    ON CONFLICT DO NOTHING
    RETURNING unicorn_number
"""

# Waits for whoever is just taking this unicorn for an overlapping ride, and takes it if they give up.
_TAKE_THIS = """
    INSERT INTO fleet_reservation (id, unicorn_number, tenant_id, booking_id, during, distance_m, expires_at)
    SELECT %(id)s, unicorn.number, %(tenant_id)s, %(booking_id)s, tstzrange(%(start)s, %(end)s), %(distance)s, %(expires)s
      FROM fleet_unicorn AS unicorn WHERE unicorn.number = %(number)s AND unicorn.status = %(available)s
    ON CONFLICT DO NOTHING
    RETURNING unicorn_number
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wish:
    tenant_id: UUID
    booking_id: UUID
    pickup: Point
    passengers: int
    start: datetime
    end: datetime
    expires: datetime | None


def reserve_unicorn(
    *,
    tenant_id: UUID,
    booking_id: UUID,
    pickup: Point,
    passengers: int,
    start: datetime,
    end: datetime,
    hold_until: datetime | None = None,
    unicorn_id: UUID | None = None,
) -> ReservedUnicorn | None:
    """Reserve the nearest free unicorn for a booking, in the caller's transaction; None when there is none in reach.

    With `unicorn_id` that one and no other, wherever it is. A second time for a booking gives the same answer, or None when
    the reservation was released since. `start` (inclusive) and `end` (exclusive) are timezone-aware. What is not confirmed
    by `hold_until` is given back.

    Raises:
        ValueError: the times are naive or in the wrong order, or there are no passengers.
    """
    if start.tzinfo is None or end.tzinfo is None or start >= end or passengers < 1:
        raise ValueError("A ride starts before it ends, in timezone-aware times, with a passenger at least.")
    wish = _Wish(
        tenant_id=tenant_id,
        booking_id=booking_id,
        pickup=pickup,
        passengers=passengers,
        start=start,
        end=end,
        expires=hold_until,
    )
    if not Reservation.objects.filter(booking_id=booking_id).exists():
        if unicorn_id is None:
            _reserve(wish)
        else:
            _reserve_this(wish, unicorn_id)
    return _reserved_for(booking_id)


def release_unicorn(*, booking_id: UUID) -> bool:
    """Give a booking's unicorn back, in the caller's transaction; False when there was nothing to give back."""
    released = Reservation.objects.filter(booking_id=booking_id, released_at__isnull=True).update(released_at=Now())
    return released > 0


def _reserve(wish: _Wish) -> None:
    passed_over: list[tuple[float, Candidate]] = []
    for nearest_first in _growing_search(wish):
        if _take_first_unlocked(wish, nearest_first):
            return
        passed_over += nearest_first
    # All of them are just being taken by others. Some of those may give up or ride at another time: now it is worth waiting.
    for distance, candidate in passed_over:
        if _insert(_TAKE_THIS, wish, {"number": candidate.number, "distance": round(distance)}):
            return


def _reserve_this(wish: _Wish, unicorn_id: UUID) -> None:
    """Reserve one that somebody chose; it waits for whoever is just taking it, and finds it free when they give up."""
    seen = UnicornPosition.objects.select_related("unicorn").filter(unicorn_id=unicorn_id).first()
    if seen is not None and seen.unicorn.capacity >= wish.passengers:
        distance = round(distance_m(wish.pickup, Point(seen.latitude, seen.longitude)))
        _insert(_TAKE_THIS, wish, {"number": seen.unicorn.number, "distance": distance})


def _growing_search(wish: _Wish) -> Iterator[list[tuple[float, Candidate]]]:
    def find(cells: Sequence[int]) -> list[Candidate]:
        return free_unicorns(cells=cells, passengers=wish.passengers, during=(wish.start, wish.end))

    return (circle for circle in growing_circles(wish.pickup, find) if circle)


def _take_first_unlocked(wish: _Wish, nearest_first: Sequence[tuple[float, Candidate]]) -> bool:
    return _insert(
        _TAKE_FIRST_UNLOCKED,
        wish,
        {
            "numbers": [candidate.number for _, candidate in nearest_first],
            "distances": [round(distance) for distance, _ in nearest_first],
        },
    )


def _insert(statement: str, wish: _Wish, arguments: dict[str, Any]) -> bool:
    shared: dict[str, Any] = {
        "id": new_id(),
        "tenant_id": wish.tenant_id,
        "booking_id": wish.booking_id,
        "start": wish.start,
        "end": wish.end,
        "expires": wish.expires,
        "available": UnicornStatus.AVAILABLE,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, {**shared, **arguments})
        return cursor.fetchone() is not None


def _reserved_for(booking_id: UUID) -> ReservedUnicorn | None:
    reservation = (
        Reservation.objects.select_related("unicorn").filter(booking_id=booking_id, released_at__isnull=True).first()
    )
    if reservation is None:
        return None
    return ReservedUnicorn(
        unicorn_id=reservation.unicorn.id,
        name=reservation.unicorn.name,
        distance_m=reservation.distance_m,
        eta_seconds=eta_seconds(reservation.distance_m),
    )
