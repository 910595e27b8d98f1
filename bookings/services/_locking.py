"""One ride at a time: whoever changes a booking holds its row."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from bookings.models import Booking


@dataclass(frozen=True)
class Locked:
    """A booking whose row is held until the transaction ends, and the database's time."""

    booking: Booking
    now: datetime


def locked(booking_id: UUID) -> Locked | None:
    """The booking, once everyone before us is done with it; None when there is none."""
    booking = Booking.objects.select_for_update().annotate(db_now=Now()).filter(id=booking_id).first()
    return None if booking is None else Locked(booking, booking.db_now)


def database_now() -> datetime:
    """The database's clock, which all deadlines are measured by."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
