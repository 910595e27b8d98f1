"""Stripe's record of a period: its charges, then its refunds."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from messaging.errors import OutcomeUnknown, Retry
from payments.providers.base import Access, ProviderRefused
from payments.providers.stripe import KEY, REFERENCE, asking, client_of
from payments.reconciliation.models import MovementKind
from payments.reconciliation.reading import Page, Row, UnableToRead

_CHARGES, _REFUNDS = "charges", "refunds"
_PAGE = 100  # the most that Stripe gives


class StripeRecord:
    """One account's charges and refunds, by the second in which Stripe made them."""

    def __init__(self, access: Access) -> None:
        self._client, self._http = client_of(access)

    def page(self, *, start: datetime, end: datetime, cursor: str) -> Page:
        """See `Record`. A cursor says what is being read and behind which id."""
        what, _, after = (cursor or _CHARGES).partition(":")
        service: Any = self._client.v1.charges if what == _CHARGES else self._client.v1.refunds
        asked: dict[str, Any] = {
            "created": {"gte": math.ceil(start.timestamp()), "lt": math.ceil(end.timestamp())},
            "limit": _PAGE,
            **({"starting_after": after} if after else {}),
        }
        try:
            with asking(self._http, "read record"):
                listed = service.list(asked).to_dict()
        except OutcomeUnknown as error:
            raise Retry(f"The payment provider's record was not read: {error}") from error
        except ProviderRefused as error:
            raise UnableToRead(str(error)) from error
        rows = listed.get("data")
        if not isinstance(rows, list):
            raise UnableToRead("The provider's record is not a list of movements.")
        read = tuple(_row(row, MovementKind.CHARGE if what == _CHARGES else MovementKind.REFUND) for row in rows)
        if listed.get("has_more") and rows:
            return Page(rows=read, next_cursor=f"{what}:{rows[-1]['id']}")
        return Page(rows=read, next_cursor=f"{_REFUNDS}:" if what == _CHARGES else "")


def _row(row: Any, kind: MovementKind) -> Row:
    """Read one strictly. A charge is known by its intent, as in our books.

    Raises:
        UnableToRead: it is not what Stripe documents.
    """
    try:
        intent = row["payment_intent"] or row["charge" if kind is MovementKind.REFUND else "id"]
        known: Mapping[str, str] = row.get("metadata") or {}
        amount = row["amount"]
        read = Row(
            provider_ref=_short(intent if kind is MovementKind.CHARGE else row["id"], 100),
            kind=kind,
            succeeded=row["status"] == "succeeded",
            amount_minor=amount,
            currency=_short(row["currency"].upper(), 3),
            charge_ref=_short(intent, 100) if kind is MovementKind.REFUND else "",
            reference=_short(known.get(REFERENCE, ""), 200),
            key=_short(known.get(KEY, ""), 255),
            moved_at=datetime.fromtimestamp(row["created"], UTC),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
        raise UnableToRead("A movement in the provider's record cannot be read.") from error
    if type(amount) is not int or amount <= 0 or not read.provider_ref:
        raise UnableToRead("A movement in the provider's record has no amount or no id.")
    return read


def _short(text: Any, most: int) -> str:
    if not isinstance(text, str) or len(text) > most or not (text.isprintable() or not text):
        raise ValueError("not a text that can be kept")
    return text
