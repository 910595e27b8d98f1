"""Double entry: what a movement of money writes on which account. Pure; amounts are integers of minor units."""

from dataclasses import dataclass
from enum import StrEnum


class Account(StrEnum):
    """The chart of accounts; `receivable` is kept per booking, all are kept per currency."""

    RECEIVABLE = "receivable"
    PROVIDER = "provider"
    STORE_CREDIT = "store_credit"
    REVENUE = "revenue"
    REFUNDS = "refunds"
    DISCREPANCIES = "discrepancies"


MEANINGS = {
    Account.RECEIVABLE: "What a ride's fare is owed and settled through; nothing stays on it when an entry is complete.",
    Account.PROVIDER: "What the payment provider holds for the company: taken, less given back.",
    Account.STORE_CREDIT: "What riders owe on store credit.",
    Account.REVENUE: "Fares of rides, as credits.",
    Account.REFUNDS: "Fares given back, as debits.",
    Account.DISCREPANCIES: "Differences with the provider's record that were accepted, until they are cleared.",
}


class Unbalanced(ValueError):
    """The parts of a movement do not add up; a mistake of ours that must not reach the books."""


@dataclass(frozen=True, slots=True)
class Line:
    """One account's side of an entry, in minor units: positive is a debit, negative a credit."""

    account: Account
    minor: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Movement:
    """How what a booking owes changes, in minor units: captured + credit - refunded = due, for the change as for the whole."""

    due: int = 0
    captured: int = 0
    credit: int = 0
    refunded: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no integer and what does not balance.

        Raises:
            TypeError: a part is not an integer.
            Unbalanced: the parts do not add up.
        """
        parts = (self.due, self.captured, self.credit, self.refunded)
        if any(type(part) is not int for part in parts):
            raise TypeError("Money moves in integers of minor units.")
        if self.captured + self.credit - self.refunded != self.due:
            raise Unbalanced(
                f"captured {self.captured} + credit {self.credit} - refunded {self.refunded} != due {self.due}"
            )

    def lines(self) -> tuple[Line, ...]:
        """The entry's lines; their sum is zero, and what the receivable gets it gives away again."""
        earned = Account.REFUNDS if self.refunded else Account.REVENUE
        lines = (
            Line(Account.RECEIVABLE, self.due),
            Line(earned, -self.due),
            Line(Account.PROVIDER, self.captured),
            Line(Account.PROVIDER, -self.refunded),
            Line(Account.STORE_CREDIT, self.credit),
            Line(Account.RECEIVABLE, -self.due),
        )
        return tuple(line for line in lines if line.minor)
