"""The provider's back office: decides what is answered later, and tells the customer."""

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

from simulators.dials import DialBoard
from simulators.notifying import Notice, Notifier
from simulators.payments.book import Book, Row

_OPPOSITE = {"succeeded": "declined", "declined": "succeeded"}


class Desk:
    """What was taken on with `202` waits here for its decision.

    Args:
        book: where it is written.
        board: the dials; `settle_ms` says when it is decided.
        notifier: tells the customer.
    """

    def __init__(self, book: Book, board: DialBoard, notifier: Notifier) -> None:
        self._book = book
        self._board = board
        self._notifier = notifier
        self._seen_to: set[str] = set()

    def take_on(self, row: Row, *, replayed: bool) -> None:
        """See to it that this row is decided, if it is to be. Each once, replays and restarts included."""
        if row["status"] != "processing" or (replayed and row["id"] in self._seen_to):
            return
        self._seen_to.add(row["id"])
        self._notifier.begin(self._decide(row["account"], row["id"], row["object"]))

    def resume(self) -> None:
        """Take up what an earlier life of this process had taken on."""
        for account, row_id in self._book.unsettled():
            self.take_on(self._book.row(account, row_id), replayed=True)

    async def _decide(self, account: str, row_id: str, kind: str) -> None:
        await asyncio.sleep(self._board.get(account, kind).settle_ms / 1000)
        before = dict(self._book.row(account, row_id))
        row = self._book.settle(account, row_id)
        if row is None:
            return
        forged = {**row, "status": _OPPOSITE[row["status"]]}
        notice = Notice(event=_event(row), earlier=_event(before), forged=_event(forged))
        self._notifier.tell(account, f"notify_{kind}", notice)


def _event(row: Row) -> dict[str, Any]:
    return {
        "id": f"evt_{uuid.uuid4().hex}",
        "object": "event",
        "type": f"{row['object']}.{row['status']}",
        "created": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "data": {"object": dict(row)},
    }
