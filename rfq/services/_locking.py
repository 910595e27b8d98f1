"""One at a time: whoever changes a request holds its row, and reads the clock afterwards."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from rfq.models import Rfq


@dataclass(frozen=True)
class Locked:
    """A request whose row is held until the transaction ends, and the database's time after the wait for it."""

    rfq: Rfq
    now: datetime


def locked(rfq_id: UUID) -> Locked | None:
    """The request, once everyone before us is done with it, answers that are just being stored too; None: there is none."""
    rfq = Rfq.objects.select_for_update().filter(id=rfq_id).first()
    # A clock that is read in the same statement may have been read before the wait.
    return None if rfq is None else Locked(rfq, database_now())


def database_now() -> datetime:
    """The database's clock at this moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
