"""What reconciliation publishes, and the commands it sends itself."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from messaging.messages import Command, Event


class FetchPage(Command, frozen=True, kw_only=True):
    """Read the next page of the provider's record into the run, if the run is still at this step."""

    topic: ClassVar[str] = "reconciliation.fetch_page"
    run_id: UUID
    step: int


class CompareRun(Command, frozen=True, kw_only=True):
    """Compare what was read with our books, repair what is safe, and close the day."""

    topic: ClassVar[str] = "reconciliation.compare"
    run_id: UUID


class RefundStray(Command, frozen=True, kw_only=True):
    """Give a charge back that belongs to no charge of ours."""

    topic: ClassVar[str] = "reconciliation.refund_stray"
    item_id: UUID


class StatementClosed(Event, frozen=True, kw_only=True):
    """A day's statement was written; `sha256` is over its canonical form, so that the journal's chain vouches for it."""

    topic: ClassVar[str] = "payments.statement_closed"
    statement_id: UUID
    day: date
    currency: str
    closing_minor: int
    unexplained_minor: int
    sha256: str
