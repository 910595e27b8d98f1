"""What a provider's record is read into, whoever the provider is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from messaging.errors import Reject
from payments.reconciliation.models import MovementKind


class UnableToRead(Reject):
    """The provider's record cannot be understood; asking again gives the same answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One movement; see `Movement`."""

    provider_ref: str
    kind: MovementKind
    succeeded: bool
    amount_minor: int
    currency: str
    charge_ref: str
    reference: str
    key: str
    moved_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Some rows, oldest first; `next_cursor` is empty on the last page."""

    rows: tuple[Row, ...]
    next_cursor: str


class Record(Protocol):
    """One account's record at one provider."""

    def page(self, *, start: datetime, end: datetime, cursor: str) -> Page:
        """What moved from `start` up to and without `end`, from `cursor` on.

        Raises:
            Retry: not reached, or load is shed.
            UnableToRead: the answer makes no sense.
        """
