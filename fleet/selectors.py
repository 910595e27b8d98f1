"""Reading the fleet."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from fleet.capabilities import SpeedClass, at_least
from fleet.domain import FRESH_FOR, Candidate, Point
from fleet.models import Operator, Reservation, Unicorn, UnicornPosition, UnicornStatus
from fleet.principal import Speaker
from wildrydes.kernel.encryption import unseal


def free_unicorns(
    *,
    cells: Sequence[int],
    passengers: int,
    during: tuple[datetime, datetime],
    slowest: SpeedClass | None = None,
    extras: Sequence[str] = (),
) -> list[Candidate]:
    """Unicorns in these H3 cells that could serve a ride: on duty, seen lately, large enough, not reserved in that time.

    Where it is asked for, also fast enough and with all of these extras.
    """
    special: dict[str, list[str]] = {}
    if slowest is not None:
        special["unicorn__speed_class__in"] = list(at_least(slowest))
    if extras:
        special["unicorn__extras__contains"] = list(extras)
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
            **special,
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


def spoken_for(speaker: Speaker) -> QuerySet[Unicorn]:
    """The unicorns that the speaker speaks for."""
    unicorns = Unicorn.objects.filter(operator_id=speaker.operator_id)
    return unicorns if speaker.unicorn_id is None else unicorns.filter(id=speaker.unicorn_id)


def operators_of(unicorn_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Who runs these unicorns, by unicorn."""
    return dict(Unicorn.objects.filter(id__in=list(unicorn_ids)).values_list("id", "operator_id"))


@dataclass(frozen=True)
class PushTarget:
    """Where an operator is told of requests, and the secret to sign with."""

    url: str
    secret: str = field(repr=False)


def push_target(operator_id: UUID) -> PushTarget | None:
    """Where to push for this operator; None when it pulls."""
    row = Operator.objects.filter(id=operator_id).exclude(webhook_url="").first()
    if row is None:
        return None
    return PushTarget(row.webhook_url, unseal(row.webhook_secret_sealed, keys=settings.FIELD_ENCRYPTION_KEY))


def pushed_to(operator_ids: Collection[UUID]) -> list[UUID]:
    """Which of these operators have an address to push to."""
    rows = Operator.objects.filter(id__in=list(operator_ids)).exclude(webhook_url="").order_by("id")
    return list(rows.values_list("id", flat=True))


def free_among(unicorn_ids: Collection[UUID], *, during: tuple[datetime, datetime]) -> set[UUID]:
    """Which of these unicorns are on duty and not reserved in that time, wherever they are."""
    reserved = Reservation.objects.filter(
        unicorn_id=OuterRef("number"), released_at__isnull=True, during__overlap=during
    )
    rows = Unicorn.objects.filter(~Exists(reserved), id__in=list(unicorn_ids), status=UnicornStatus.AVAILABLE)
    return set(rows.values_list("id", flat=True))
