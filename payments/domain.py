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
CREDIT_CAPTURE_AFTER = timedelta(seconds=60)
"""When capturing what is owed on store credit is tried for the first time."""

_SOURCE = re.compile(r"tok_[a-z0-9_]{1,60}")
_CARD_NUMBER = re.compile(r"(?:\d_?){12,19}")


class UnableToRefund(Conflict):
    """There is no charge, or less was charged than is to be refunded."""

    code = "unable-to-refund"
    title = "The payment cannot be refunded"


class Standing(StrEnum):
    """What the provider says of a charge or refund. `ABSENT`: it knows of none."""

    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    ABSENT = "absent"


def check_source(source: str) -> str:
    """The provider's token of a card, such as `tok_visa`, if it is one.

    Card numbers never come near us (PCI DSS, requirement 3): what contains one is refused and not repeated.

    Raises:
        InvalidInput: it is not such a token.
    """
    if not _SOURCE.fullmatch(source) or _CARD_NUMBER.search(source):
        raise InvalidInput(
            "The payment source is not a token of the payment provider. Send one such as tok_visa, never a card number."
        )
    return source


def check_amount(amount: Money) -> Money:
    """An amount that may be charged.

    Raises:
        InvalidInput: nothing, less than nothing, or more than `MAX_CHARGE_MINOR`.
    """
    if not 0 < amount.minor <= MAX_CHARGE_MINOR:
        raise InvalidInput(f"A charge is from 1 to {MAX_CHARGE_MINOR} minor units; {amount} is not.")
    return amount


def fits_on_credit(*, amount_minor: int, outstanding_minor: int, limit_minor: int) -> bool:
    """Whether a fare may be owed on top of what is owed already."""
    return outstanding_minor + amount_minor <= limit_minor
