"""Pure rules of payments: what may be charged, with which token, and what may still become of a charge."""

import re
from datetime import timedelta
from enum import StrEnum

from wildrydes.kernel.errors import Conflict, InvalidInput
from wildrydes.kernel.money import Money

MAX_CHARGE_MINOR = 10_000_000
"""The largest fare, in minor units; far above any ride, far below what a mistake could cost."""
RESOLVE_AFTER = timedelta(seconds=60)
"""When a charge in doubt is looked up: longer than a lease and a call together, so that no worker is still at it."""
FIRST_CHECK_AFTER, LAST_CHECK_AFTER = timedelta(seconds=5), timedelta(seconds=60)
"""How soon a charge that is answered later is looked up, should no notification come: at first, and in the long run."""
CREDIT_CAPTURE_AFTER = timedelta(seconds=60)
"""When capturing what is owed on store credit is tried for the first time."""

_SOURCE = re.compile(r"(?:tok|pm|card|src)_[A-Za-z0-9_]{1,60}")
# Digits with what people put between them. A card's number (ISO/IEC 7812) has 13 to 19 of them.
_DIGITS = re.compile(r"\d(?:[ ._\-]?\d){12,}")
_SHORTEST, _LONGEST = 13, 19


class CardNumberRefused(InvalidInput):
    """Something that looks like a card's number was sent. It is not repeated, stored or logged (PCI DSS, requirement 3)."""

    code = "card-number-refused"
    title = "Card numbers are not accepted"


class UnableToRefund(Conflict):
    """There is no charge, or less was charged than is to be refunded."""

    code = "unable-to-refund"
    title = "The payment cannot be refunded"


class Standing(StrEnum):
    """What the provider says of a charge or refund. `PROCESSING`: its answer comes later. `ABSENT`: it knows of none."""

    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    PROCESSING = "processing"
    ABSENT = "absent"


def check_source(source: str) -> str:
    """The provider's token of a card, such as `tok_visa` or `pm_1Q…`, if it is one.

    Raises:
        CardNumberRefused: it holds what looks like a card's number.
        InvalidInput: it is not such a token.
    """
    refuse_card_number(source, pointer="")
    if not _SOURCE.fullmatch(source):
        raise InvalidInput(
            "The payment source is not a token of the payment provider. Send one such as tok_visa, never a card number."
        )
    return source


def refuse_card_number(text: str, *, pointer: str) -> None:
    """Refuse a text with a card's number in it.

    Raises:
        CardNumberRefused: at `pointer`, the field's JSON pointer, where one is given.
    """
    if not holds_card_number(text):
        return
    detail = "This looks like a card's number. Send the payment provider's token of the card, such as tok_visa."
    raise CardNumberRefused(detail, errors=[{"pointer": pointer, "detail": detail}] if pointer else ())


def holds_card_number(text: str) -> bool:
    """Whether 13 to 19 digits in a row, with a blank, dot, hyphen or underscore in between at most, pass Luhn's check."""
    for found in _DIGITS.finditer(text):
        digits = [int(digit) for digit in found[0] if digit.isdigit()]
        for length in range(_SHORTEST, min(_LONGEST, len(digits)) + 1):
            if any(_passes_luhn(digits[at : at + length]) for at in range(len(digits) - length + 1)):
                return True
    return False


def _passes_luhn(digits: list[int]) -> bool:
    """The check digit of ISO/IEC 7812-1, annex B."""
    doubled = [2 * digit - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def check_amount(amount: Money) -> Money:
    """An amount that may be charged.

    Raises:
        InvalidInput: nothing, less than nothing, or more than `MAX_CHARGE_MINOR`.
    """
    if not 0 < amount.minor <= MAX_CHARGE_MINOR:
        raise InvalidInput(f"A charge is from 1 to {MAX_CHARGE_MINOR} minor units; {amount} is not.")
    return amount


def next_check(*, waited: timedelta, left: timedelta) -> timedelta:
    """When to look up a charge that is answered later: at doubling distances, and once when its time is over.

    `waited` is since it was asked for, `left` until its deadline.
    """
    return min(max(FIRST_CHECK_AFTER, min(waited, LAST_CHECK_AFTER)), max(left, timedelta(0)) + timedelta(seconds=0.1))


def fits_on_credit(*, amount_minor: int, outstanding_minor: int, limit_minor: int) -> bool:
    """Whether a fare may be owed on top of what is owed already."""
    return outstanding_minor + amount_minor <= limit_minor
