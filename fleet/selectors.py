"""Reading the fleet."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Exists, Max, OuterRef, Q
from django.db.models.functions import Now

from fleet.domain import FRESH_FOR, Candidate, Point
from fleet.models import Reservation, UnicornPosition, UnicornStatus


def free_unicorns(*, cells: Sequence[int], passengers: int, during: tuple[datetime, datetime]) -> list[Candidate]:
    """Unicorns in these H3 cells that could serve a ride: on duty, seen lately, large enough, not reserved in that time."""
    reserved = Reservation.objects.filter(
        unicorn_id=OuterRef("unicorn__number"), released_at__isnull=True, during__overlap=during
    )
    rows = (
        UnicornPosition.objects.filter(
            ~Exists(reserved),
            cell__in=list(cells),
            reported_at__gt=Now() - FRESH_FOR,
            unicorn__status=UnicornStatus.AVAILABLE,
            unicorn__capacity__gte=passengers,
        )
        .order_by("unicorn__number")
        .values_list("unicorn__number", "unicorn_id", "unicorn__name", "latitude", "longitude")
    )
    return [
        Candidate(number=number, unicorn_id=unicorn_id, name=name, position=Point(latitude, longitude))
        for number, unicorn_id, name, latitude, longitude in rows
    ]


def fleet_is_out_of_sight() -> bool:
    """Whether unicorns are known and none has been seen lately: the feed was away, and who is free cannot be told."""
    seen = UnicornPosition.objects.aggregate(
        last=Max("reported_at"), fresh=Max("reported_at", filter=Q(reported_at__gt=Now() - FRESH_FOR))
    )
    return seen["last"] is not None and seen["fresh"] is None
