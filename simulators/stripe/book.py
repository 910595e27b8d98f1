"""Stripe's books, as far as they are simulated: payment intents, refunds, and the answers kept under idempotency keys."""

import hashlib
import json
import secrets
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.checking import MAX_AMOUNT, Rejected
from simulators.journal import Journal

Row = dict[str, Any]
_DECLINES = {
    "chargeDeclined": "card_declined",
    "chargeDeclinedExpiredCard": "expired_card",
    "chargeDeclinedInsufficientFunds": "insufficient_funds",
    "declined": "card_declined",
    "declined_expired_card": "expired_card",
}
_KNOWN_INTENT = {
    "amount", "currency", "customer", "payment_method", "payment_method_data", "payment_method_types", "metadata",
    "description", "confirm", "off_session", "capture_method",
}  # fmt: skip


@dataclass(slots=True)
class _Account:
    intents: dict[str, Row] = field(default_factory=dict)
    refunds: dict[str, Row] = field(default_factory=dict)
    keys: dict[str, tuple[str, int, Row]] = field(default_factory=dict)
    charges: list[Row] = field(default_factory=list)


class StripeBook:
    """All accounts. Each method does its work at once.

    Args:
        journal: where every change is written before it is answered.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._accounts: dict[str, _Account] = defaultdict(_Account)

    def restore(self, record: Mapping[str, Any]) -> None:
        """Take in a record of the journal."""
        account = self._accounts[record["account"]]
        kind, row = record["kind"], record["row"]
        if kind == "key":
            account.keys[record["key"]] = (record["digest"], row["status"], row["body"])
        elif kind == "refund":
            account.refunds[row["id"]] = row
        elif kind == "charge":
            account.charges.append(row)
        else:
            account.intents[row["id"]] = row

    def replay(self, account: str, key: str, digest: str) -> tuple[int, Row] | None:
        """The answer kept under a key, errors included.

        Raises:
            Rejected: 400, the key came with other parameters.
        """
        known = self._accounts[account].keys.get(key)
        if known is None:
            return None
        if known[0] != digest:
            raise Rejected(
                400,
                "idempotency_error",
                "Keys for idempotent requests can only be used with the same parameters they were first used with.",
            )
        return known[1], known[2]

    def keep(self, account: str, key: str, digest: str, status: int, body: Row) -> None:
        """Keep the answer to the first request with this key."""
        if key not in self._accounts[account].keys:
            self._write("key", account, {"status": status, "body": body}, key=key, digest=digest)

    def create_intent(self, account: str, given: Row) -> Row:
        """Make an intent. Nothing is taken."""
        for name in given:
            if name not in _KNOWN_INTENT:
                raise _invalid(f"Received unknown parameter: {name}", param=name, code="parameter_unknown")
        currency = str(given.get("currency", ""))
        if currency not in ("usd", "eur", "gbp", "chf", "jpy"):
            raise _invalid("Invalid currency", param="currency")
        method = given.get("payment_method") or given.get("payment_method_data", {}).get("card", {}).get("token")
        if method is not None and not str(method).startswith(("pm_", "tok_")):
            raise _invalid(f"No such PaymentMethod: '{method}'", param="payment_method", code="resource_missing")
        row = {
            "id": f"pi_{secrets.token_hex(12)}",
            "object": "payment_intent",
            "amount": _amount(given),
            "amount_received": 0,
            "currency": currency,
            "customer": given.get("customer"),
            "payment_method": method,
            "status": "requires_confirmation" if method else "requires_payment_method",
            "last_payment_error": None,
            "latest_charge": None,
            "metadata": dict(given.get("metadata", {})),
            "created": int(time.time()),
            "livemode": False,
        }
        return self._write("intent", account, row)

    def confirm(self, account: str, intent_id: str, *, decline: bool, later: bool) -> Row:
        """Take the money.

        Raises:
            Rejected: 402, the card was declined; 400, the intent is not to be confirmed.
        """
        row = self.intent(account, intent_id)
        if row["status"] != "requires_confirmation":
            raise _invalid(
                f"This PaymentIntent's status is {row['status']}: it cannot be confirmed.",
                code="payment_intent_unexpected_state",
            )
        code = _decline_code(str(row["payment_method"]), decline=decline)
        if later:
            return self._write("intent", account, {**row, "status": "processing", "_end": code})
        return self._decide(account, row, code)

    def settle(self, account: str, intent_id: str) -> Row:
        """Decide what is processing."""
        row = dict(self.intent(account, intent_id))
        try:
            return self._decide(account, row, row.pop("_end"))
        except Rejected:
            return self.intent(account, intent_id)

    def _decide(self, account: str, row: Row, code: str | None) -> Row:
        if code is not None:
            error = {
                "type": "card_error",
                "code": "card_declined",
                "decline_code": code,
                "message": "Your card was declined.",
            }
            self._charge(account, row, "failed")
            declined = {**row, "status": "requires_payment_method", "payment_method": None, "last_payment_error": error}
            self._write("intent", account, declined)
            raise Declined(error)
        charge = self._charge(account, row, "succeeded")
        paid = {**row, "status": "succeeded", "amount_received": row["amount"], "latest_charge": charge["id"]}
        return self._write("intent", account, paid)

    def _charge(self, account: str, intent: Row, status: str) -> Row:
        row = {
            "id": f"ch_{secrets.token_hex(12)}",
            "object": "charge",
            "payment_intent": intent["id"],
            "amount": intent["amount"],
            "currency": intent["currency"],
            "status": status,
            "metadata": intent["metadata"],
            "created": int(time.time()),
        }
        return self._write("charge", account, row)

    def cancel(self, account: str, intent_id: str) -> Row:
        """Make sure that an intent never takes anything."""
        row = self.intent(account, intent_id)
        if row["status"] in ("succeeded", "canceled", "processing"):
            raise _invalid(
                f"You cannot cancel this PaymentIntent because it has a status of {row['status']}.",
                code="payment_intent_unexpected_state",
            )
        return self._write("intent", account, {**row, "status": "canceled"})

    def refund(self, account: str, given: Row, *, later: bool) -> Row:
        """Give money back.

        Raises:
            Rejected: 400, nothing was taken, or more than is left of it; 404, no such intent.
        """
        intent = self.intent(account, str(given.get("payment_intent", "")))
        if intent["status"] != "succeeded":
            raise _invalid("This PaymentIntent does not have a successful charge to refund.")
        left = intent["amount"] - sum(row["amount"] for row in self.refunds(account, intent["id"]))
        amount = _amount({"amount": left, **given}) if left else 0
        if not left:
            raise _invalid("Charge has already been refunded.", code="charge_already_refunded")
        if amount > left:
            raise _invalid(f"Refund amount is greater than unrefunded amount on charge ({left})", param="amount")
        row = {
            "id": f"re_{secrets.token_hex(12)}",
            "object": "refund",
            "payment_intent": intent["id"],
            "charge": intent["latest_charge"],
            "amount": amount,
            "currency": intent["currency"],
            "status": "pending" if later else "succeeded",
            "metadata": dict(given.get("metadata", {})),
            "created": int(time.time()),
        }
        return self._write("refund", account, row)

    def settle_refund(self, account: str, refund_id: str) -> Row:
        """Decide what is pending."""
        return self._write("refund", account, {**self.refund_of(account, refund_id), "status": "succeeded"})

    def intent(self, account: str, intent_id: str) -> Row:
        """By its id.

        Raises:
            Rejected: 404.
        """
        row = self._accounts[account].intents.get(intent_id)
        if row is None:
            raise _missing(f"No such payment_intent: '{intent_id[:60]}'", "intent")
        return row

    def refund_of(self, account: str, refund_id: str) -> Row:
        """By its id.

        Raises:
            Rejected: 404.
        """
        row = self._accounts[account].refunds.get(refund_id)
        if row is None:
            raise _missing(f"No such refund: '{refund_id[:60]}'", "id")
        return row

    def refunds(self, account: str, intent_id: str | None = None) -> list[Row]:
        """Newest first, as Stripe lists."""
        rows = [row for row in self._accounts[account].refunds.values() if intent_id in (None, row["payment_intent"])]
        return rows[::-1]

    def charges(self, account: str) -> list[Row]:
        """Newest first, failed ones too."""
        return self._accounts[account].charges[::-1]

    def intents(self, account: str) -> list[Row]:
        """Newest first."""
        return list(self._accounts[account].intents.values())[::-1]

    def movements(self, account: str) -> Iterable[Row]:
        """Charges (failed ones too) and refunds, oldest first."""
        return [*self._accounts[account].charges, *self._accounts[account].refunds.values()]

    def undecided(self) -> list[tuple[str, Row]]:
        """What is to be decided later."""
        return [
            (name, row)
            for name, account in self._accounts.items()
            for row in (*account.intents.values(), *account.refunds.values())
            if row["status"] in ("processing", "pending")
        ]

    def _write(self, kind: str, account: str, row: Row, **more: str) -> Row:
        record = {"kind": kind, "account": account, "row": row, **more}
        self._journal.append(record)
        self.restore(record)
        return row


class Declined(Rejected):
    """A card was declined; the answer has the error as Stripe writes it."""

    def __init__(self, error: Row) -> None:
        super().__init__(402, "card_error", str(error["message"]))
        self.error = error


class Invalid(Rejected):
    """The request is at fault, with one of Stripe's codes."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(status, "invalid_request_error", message, param=param)
        self.code = code


def _invalid(message: str, *, param: str | None = None, code: str | None = None) -> Rejected:
    return Invalid(400, message, param=param, code=code)


def _missing(message: str, param: str) -> Rejected:
    return Invalid(404, message, param=param, code="resource_missing")


def _amount(given: Mapping[str, Any]) -> int:
    text = str(given.get("amount", ""))
    if not text.isascii() or not text.isdigit() or len(text) > 16 or not 0 < int(text) <= MAX_AMOUNT:
        raise _invalid("Invalid integer", param="amount", code="parameter_invalid_integer")
    return int(text)


def _decline_code(method: str, *, decline: bool) -> str | None:
    if decline:
        return "card_declined"
    return next((code for end, code in _DECLINES.items() if method.endswith(f"_{end}")), None)


def digest_of(path: str, given: Mapping[str, Any]) -> str:
    """What tells whether a key comes with the same request."""
    return hashlib.sha256(f"{path}\n{json.dumps(given, sort_keys=True)}".encode()).hexdigest()
