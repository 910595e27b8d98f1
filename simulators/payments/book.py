"""The provider's books: charges, refunds, and the idempotency keys under which they came."""

import hashlib
import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from simulators.checking import MAX_AMOUNT, Rejected, integer, only, text
from simulators.journal import Journal

Row = dict[str, Any]
_REFERENCE = r"[^\x00-\x1f\x7f]{1,200}"
_TOKEN = r"tok_[a-z0-9_]{1,60}"  # noqa: S105 - the pattern of a token, not one
_KEY = r"[\x21-\x7e]{1,255}"


@dataclass(slots=True)
class _Account:
    charges: dict[str, Row] = field(default_factory=dict)
    refunds: dict[str, Row] = field(default_factory=dict)
    movements: list[Row] = field(default_factory=list)
    by_reference: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    by_key: dict[str, Row] = field(default_factory=dict)
    # (scope, key) to the digest of the body and the id of what it made
    keys: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    refunded: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    # What is answered later: id to how it will end.
    open: dict[str, Row] = field(default_factory=dict)


class Book:
    """All accounts. Each method does its work at once, so that simultaneous twins end as one charge.

    Args:
        journal: where every movement is written before it is answered.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._accounts: dict[str, _Account] = defaultdict(_Account)

    def restore(self, record: Mapping[str, Any]) -> None:
        """Take in a `charge`, `refund` or `settled` record of the journal."""
        row = record["row"]
        account = self._accounts[row["account"]]
        if record["kind"] == "settled":
            (account.charges.get(row["id"]) or account.refunds[row["id"]]).update(row)
            account.open.pop(row["id"], None)
            return
        if record.get("end"):
            account.open[row["id"]] = record["end"]
        account.keys[(record["scope"], row["idempotency_key"])] = (record["digest"], row["id"])
        account.movements.append(row)
        if record["kind"] == "charge":
            account.charges[row["id"]] = row
            account.by_reference[row["reference"]].append(row)
            account.by_key[row["idempotency_key"]] = row
        else:
            account.refunds[row["id"]] = row
            account.refunded[row["charge"]] += row["amount"]

    def charge(self, account: str, key: str, given: Row, *, decline: bool, later: bool = False) -> tuple[Row, bool]:
        """Charge a card; returns the charge and whether it is a replay of an earlier answer.

        With `later` it is `processing` until `settle`.

        Raises:
            Rejected: the fields or the key are not valid, or the key came with another body.
        """
        only(given, {"amount", "currency", "source", "reference", "metadata"})
        amount = integer(given, "amount", least=1, most=MAX_AMOUNT)
        currency = text(given, "currency", r"[A-Z]{3}", hint="three capital letters (ISO 4217)")
        source = text(given, "source", _TOKEN, hint="a token such as tok_visa")
        reference = text(given, "reference", _REFERENCE, hint="1 to 200 characters without control characters")
        metadata = _metadata(given)
        digest = _digest(given)
        known = self._replay(account, "charges", key, digest)
        if known is not None:
            return self._accounts[account].charges[known], True
        decline_code = _decline_code(source, decline=decline)
        row = {
            "id": f"ch_{uuid.uuid4().hex}",
            "object": "charge",
            "account": account,
            "amount": amount,
            "currency": currency,
            "source": source,
            "status": "declined" if decline_code else "succeeded",
            "decline_code": decline_code,
            "reference": reference,
            "metadata": metadata,
            "idempotency_key": key,
            "created": _now(),
        }
        return self._write("charge", "charges", digest, row, later=later), False

    def refund(self, account: str, key: str, charge_id: str, given: Row, *, later: bool = False) -> tuple[Row, bool]:
        """Give back all or part of a charge; returns the refund and whether it is a replay.

        Raises:
            Rejected: no such charge, nothing was captured, or more than is left of it.
        """
        charge = self.find_charge(account, charge_id)
        only(given, {"amount", "reference"})
        amount = integer(given, "amount", least=1, most=MAX_AMOUNT)
        reference = text(given, "reference", _REFERENCE, hint="1 to 200 characters without control characters")
        digest = _digest(given)
        scope = f"refunds of {charge_id}"
        known = self._replay(account, scope, key, digest)
        if known is not None:
            return self._accounts[account].refunds[known], True
        if charge["status"] != "succeeded":
            raise Rejected(422, "charge_not_captured", f"The charge is {charge['status']}; there is nothing to refund")
        left = charge["amount"] - self.refunded(charge)
        if amount > left:
            raise Rejected(422, "refund_exceeds_charge", f"Only {left} of the charge is left to refund", param="amount")
        row = {
            "id": f"re_{uuid.uuid4().hex}",
            "object": "refund",
            "account": account,
            "charge": charge_id,
            "amount": amount,
            "currency": charge["currency"],
            "status": "succeeded",
            "reference": reference,
            "idempotency_key": key,
            "created": _now(),
        }
        return self._write("refund", scope, digest, row, later=later), False

    def settle(self, account: str, row_id: str) -> Row | None:
        """Decide what was taken on to be answered later; None when that is done already."""
        end = self._accounts[account].open.get(row_id)
        if end is None:
            return None
        record = {"kind": "settled", "row": {"id": row_id, "account": account, **end, "settled": _now()}}
        self._journal.append(record)
        self.restore(record)
        return self.row(account, row_id)

    def row(self, account: str, row_id: str) -> Row:
        """A charge or refund that is there."""
        books = self._accounts[account]
        return books.charges.get(row_id) or books.refunds[row_id]

    def unsettled(self) -> list[tuple[str, str]]:
        """Account and id of all that is to be answered later."""
        return [(account, row_id) for account, books in self._accounts.items() for row_id in books.open]

    def find_charge(self, account: str, charge_id: str) -> Row:
        """A charge by its id.

        Raises:
            Rejected: 404.
        """
        row = self._accounts[account].charges.get(charge_id) if account in self._accounts else None
        if row is None:
            raise Rejected(404, "not_found", "There is no such charge")
        return row

    def charges(self, account: str, *, reference: str | None, key: str | None) -> list[Row]:
        """The charges that match both, where given; oldest first."""
        if account not in self._accounts:
            return []
        books = self._accounts[account]
        if key is not None:
            found = [books.by_key[key]] if key in books.by_key else []
        else:
            found = books.by_reference.get(reference or "", [])
        return [row for row in found if reference in (None, row["reference"])]

    def refunds(self, account: str, *, reference: str | None, charge: str | None, key: str | None) -> list[Row]:
        """The refunds that match all, where given; oldest first."""
        rows = self._accounts[account].refunds.values() if account in self._accounts else ()
        return [
            row
            for row in rows
            if reference in (None, row["reference"])
            and charge in (None, row["charge"])
            and key in (None, row["idempotency_key"])
        ]

    def refunded(self, charge: Mapping[str, Any]) -> int:
        """How much of a charge was given back, in minor units."""
        return self._accounts[charge["account"]].refunded.get(charge["id"], 0)

    def movements(self, account: str | None) -> list[Row]:
        """Charges (declined ones too) and refunds of one account or all, oldest first."""
        if account is not None:
            return list(self._accounts[account].movements) if account in self._accounts else []
        everything = [row for books in self._accounts.values() for row in books.movements]
        return sorted(everything, key=lambda row: str(row["created"]))

    def _replay(self, account: str, scope: str, key: str, digest: str) -> str | None:
        text({"key": key}, "key", _KEY, hint="given as Idempotency-Key: 1 to 255 visible ASCII characters")
        known = self._accounts[account].keys.get((scope, key)) if account in self._accounts else None
        if known is None:
            return None
        if known[0] != digest:
            raise Rejected(422, "idempotency_key_reused", "The Idempotency-Key came with another body before")
        return known[1]

    def _write(self, kind: str, scope: str, digest: str, row: Row, *, later: bool) -> Row:
        record = {"kind": kind, "scope": scope, "digest": digest, "row": row}
        if later:
            undecided = {name: None for name in ("decline_code",) if name in row}
            record["end"] = {"status": row["status"], **{name: row[name] for name in undecided}}
            record["row"] = row = {**row, "status": "processing", **undecided}
        self._journal.append(record)
        self.restore(record)
        return row


def totals(movements: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Sums per account and currency, in minor units; declined charges are counted, not summed; undecided ones are neither."""
    sums: dict[tuple[str, str], Row] = {}
    for row in movements:
        where = (row["account"], row["currency"])
        zero = {"charges": 0, "charged": 0, "refunds": 0, "refunded": 0, "declined": 0}
        total = sums.setdefault(where, {"account": where[0], "currency": where[1], **zero})
        if row["status"] == "processing":
            continue
        if row["object"] == "refund":
            total["refunds"] += 1
            total["refunded"] += row["amount"]
        elif row["status"] == "declined":
            total["declined"] += 1
        else:
            total["charges"] += 1
            total["charged"] += row["amount"]
    return [{**total, "net": total["charged"] - total["refunded"]} for _, total in sorted(sums.items())]


def _decline_code(source: str, *, decline: bool) -> str | None:
    """Why a card is declined: `tok_declined` generally, `tok_declined_expired_card` with a reason of its own."""
    if source.startswith("tok_declined_"):
        return source.removeprefix("tok_declined_") or "card_declined"
    return "card_declined" if decline or source == "tok_declined" else None


def _metadata(given: Row) -> dict[str, str]:
    metadata = given.get("metadata", {})
    fine = isinstance(metadata, dict) and len(metadata) <= 50
    if not fine or not all(
        isinstance(value, str) and len(name) <= 40 and len(value) <= 500 for name, value in metadata.items()
    ):
        raise Rejected(422, "invalid_field", "Must be an object of up to 50 short strings", param="metadata")
    return dict(metadata)


def _digest(given: Row) -> str:
    return hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
