"""Taking a delivery: the claim and, where the wake-up says whose it is, its message, in one statement."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import structlog
from django.db import Error, connection

from messaging.claims import CLAIM, Claim, claim, claim_from, claim_values
from messaging.envelopes import IN_ONE, Written, read
from messaging.faults import is_bad_moment, is_database_away, is_older_schema
from messaging.prepared import execute, forget, is_outdated
from messaging.settings import lease_seconds
from tenants.registry.context import enter_public, entered_schema

T = TypeVar("T")
_log = structlog.get_logger(__name__)

# The message comes as texts in one array: a look-up beside the claim is planned in half the time of a join with it.
_TAKE = (
    f"""{CLAIM}, (SELECT {IN_ONE} FROM journal_message AS message WHERE message.id = messaging_delivery.message_id)"""  # noqa: S608  # our own
)


@dataclass(frozen=True, slots=True)
class Taken:
    """A claimed delivery, and its message where that was read along from the journal of `schema`."""

    claim: Claim
    schema: str
    along: Written | None

    def written(self) -> Written | None:
        """The message as the entered schema's journal has it, or None."""
        if self.along is not None and self.schema == entered_schema():
            return self.along
        return read(self.claim.message_id)


def take(delivery_id: UUID, *, suspects: bool) -> Taken | None:
    """Take the delivery, or answer None when there is nothing to take; without `suspects` also when its worker died.

    Its message is read along when it is in the entered schema's journal.

    Raises:
        Error: the database was away for as long as a lease.
    """
    return patiently(lambda: _take(delivery_id, suspects=suspects))


def patiently(question: Callable[[], T]) -> T:
    """Ask; a database that is away is waited for, so that a worker does not use up the queue for nothing meanwhile.

    Raises:
        Error: it was away for as long as a lease.
    """
    give_up, pause = time.monotonic() + lease_seconds(), 0.1
    while True:
        try:
            return question()
        except Error as error:
            if time.monotonic() > give_up or not (is_database_away(error) or is_bad_moment(error)):
                raise
            _log.warning("worker.waits_for_database", error=type(error).__name__)
            connection.close()
        time.sleep(pause)
        pause = min(2.0, pause * 2)


def _take(delivery_id: UUID, *, suspects: bool) -> Taken | None:
    try:
        with connection.cursor() as cursor:
            execute(cursor, _TAKE, claim_values(delivery_id, suspects=suspects))
            row = cursor.fetchone()
    except Error as error:
        if is_outdated(error):
            forget()
            return _take(delivery_id, suspects=suspects)
        if not is_older_schema(error):
            raise
        # A journal that this version cannot read is met again, and dealt with, when the message is opened.
        with enter_public():
            claimed = claim(delivery_id, suspects=suspects)
        return None if claimed is None else Taken(claimed, "public", None)
    if row is None:
        return None
    *claimed_row, message = row
    return Taken(claim_from(claimed_row), entered_schema(), None if message is None else Written.of_texts(message))
