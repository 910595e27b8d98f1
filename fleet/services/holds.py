"""Reservations that are not confirmed yet hold for a while only."""

from uuid import UUID

from django.db.models.functions import Now

from fleet.models import Reservation
from tenants.registry.context import enter_public


def confirm_reservation(*, booking_id: UUID) -> bool:
    """Let the booking's reservation stay, in the caller's transaction; False when there is none that holds."""
    return Reservation.objects.filter(booking_id=booking_id, released_at__isnull=True).update(expires_at=None) > 0


def release_expired() -> int:
    """Give back what was held and never confirmed in time; answers how many unicorns that frees."""
    with enter_public():
        return Reservation.objects.filter(released_at__isnull=True, expires_at__lte=Now()).update(released_at=Now())
