"""The money's part of a booking's story."""

import re
from uuid import UUID

from payments.models import Charge, ChargeState, Refund, RefundState
from wildrydes.kernel.money import Money
from wildrydes.kernel.story import Kind, Lookup, Moment, Tone

_CHARGE = "SELECT booking_id, NULL::uuid, NULL::uuid FROM {s}payments_charge WHERE "
_REFUND = (
    "SELECT c.booking_id, NULL::uuid, NULL::uuid FROM {s}payments_refund r"
    " JOIN {s}payments_charge c ON c.id = r.charge_id WHERE r."
)
LOOKUPS = (
    Lookup(kind="charge", by="uuid", sql=f"{_CHARGE}id = %(uuid)s"),
    Lookup(kind="refund", by="uuid", sql=f"{_REFUND}id = %(uuid)s"),
    Lookup(kind="charge's idempotency key", by="text", sql=f"{_CHARGE}idempotency_key = %(text)s"),
    Lookup(kind="refund's idempotency key", by="text", sql=f"{_REFUND}idempotency_key = %(text)s"),
    Lookup(
        kind="provider's reference", by="text", sql=f"{_CHARGE}provider_ref = %(text)s AND provider_ref <> '' LIMIT 5"
    ),
    Lookup(
        kind="provider's reference", by="text", sql=f"{_REFUND}provider_ref = %(text)s AND r.provider_ref <> '' LIMIT 5"
    ),
)
_TONES = {
    ChargeState.CAPTURED: Tone.GOOD,
    ChargeState.DECLINED: Tone.BAD,
    ChargeState.ON_CREDIT: Tone.WARN,
    ChargeState.IN_DOUBT: Tone.BAD,
    ChargeState.FAILED: Tone.BAD,
}
# A provider's code may be shown; a given-up charge holds an error's text there, which may not.
_CODE = re.compile(r"[a-z0-9_]{1,60}")


def charge_of(booking_id: UUID) -> Charge | None:
    """The booking's charge with its refund, if there is one."""
    return Charge.objects.select_related("refund").filter(booking_id=booking_id).first()


def booking_of_charge(charge_id: UUID) -> UUID | None:
    """Whose fare it is."""
    return Charge.objects.filter(id=charge_id).values_list("booking_id", flat=True).first()


def booking_of_refund(refund_id: UUID) -> UUID | None:
    """Whose money goes back."""
    return Refund.objects.filter(id=refund_id).values_list("charge__booking_id", flat=True).first()


def refund_of(charge: Charge) -> Refund | None:
    """Its refund, if there is one."""
    return getattr(charge, "refund", None)


def story_of(charge: Charge) -> list[Moment]:
    """Asked for, settled, given back; with the provider's ids, by which its own support finds them."""
    fare = Money(charge.amount_minor, charge.currency)
    told = [_moment(charge, charge.created_at, "Fare asked for", fare)]
    if charge.settled_at is not None:
        state = ChargeState(charge.state)
        code = charge.failure_code if _CODE.fullmatch(charge.failure_code) else ""
        known = charge.provider_ref or code
        told.append(
            _moment(
                charge, charge.settled_at, f"Fare: {state.label.lower()}", fare, known, _TONES.get(state, Tone.PLAIN)
            )
        )
    refund = refund_of(charge)
    if refund is not None:
        amount = Money(refund.amount_minor, refund.currency)
        told.append(_moment(refund, refund.created_at, "Refund asked for", amount))
        if refund.settled_at is not None:
            tone = Tone.GOOD if refund.state == RefundState.SUCCEEDED else Tone.BAD
            title = f"Refund: {refund.get_state_display().lower()}"
            told.append(_moment(refund, refund.settled_at, title, amount, refund.provider_ref, tone))
    return told


def _moment(
    row: Charge | Refund, at: object, title: str, money: Money, detail: str = "", tone: Tone = Tone.PLAIN
) -> Moment:
    return Moment(
        at=at,  # type: ignore[arg-type]  # a datetime: `db_default` makes the stubs say more
        kind=Kind.MONEY,
        title=title,
        detail=detail,
        tone=tone,
        id=row.id,
        lane="payments",
        money=money,
    )
