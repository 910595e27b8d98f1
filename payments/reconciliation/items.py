"""Differences as items: each once, with both sides' evidence."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from payments.agreement import disagreements
from payments.models import Charge, ChargeState, Refund, RefundState
from payments.reconciliation.models import Item, ItemKind, ItemState, Movement, Repair, Run


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """What was found, before it becomes an item."""

    kind: ItemKind
    subject: str
    difference_minor: int
    proposal: Repair
    is_safe: bool = False
    movement: Movement | None = None
    charge: Charge | None = None
    refund: Refund | None = None
    currency: str = ""
    booking_id: UUID | None = None
    evidence: tuple[dict[str, Any], dict[str, Any]] | None = None


def item_of(run: Run, found: Difference) -> Item | None:
    """The difference's item, made or known; None for one that a person has closed."""
    row, charge = found.movement, found.charge
    ours, theirs = found.evidence or (_ours(found), _theirs(row))
    item, _ = Item.objects.get_or_create(
        kind=found.kind,
        subject=found.subject,
        defaults={
            "run": run,
            "booking_id": found.booking_id or (charge.booking_id if charge else None),
            "charge_id": charge.id if charge else None,
            "refund_id": found.refund.id if found.refund else None,
            "provider_ref": row.provider_ref if row else found.subject if charge else "",
            "difference_minor": found.difference_minor,
            "currency": found.currency or (row.currency if row else charge.currency if charge else ""),
            "ours": ours,
            "theirs": theirs,
            "proposal": found.proposal,
            "is_safe": found.is_safe,
        },
    )
    if item.state in (ItemState.VANISHED, ItemState.REPAIRED):
        # It is back: what was done about it by itself was not enough, so that a person must look.
        Item.objects.filter(id=item.id).update(
            state=ItemState.OPEN,
            is_safe=False,
            ours=ours,
            theirs=theirs,
            resolved_at=None,
            resolved_by="",
            note="Found again.",
        )
        item.refresh_from_db()
    return None if item.state == ItemState.CLOSED else item


def _ours(found: Difference) -> dict[str, Any]:
    if found.refund is not None:
        refund = found.refund
        return {
            "refund": str(refund.id),
            "state": str(refund.state),
            "amount": refund.amount_minor,
            "currency": refund.currency,
            "key": refund.idempotency_key,
            "provider's id": refund.provider_ref,
            "settled": _when(refund.settled_at),
        }
    if found.charge is not None:
        charge = found.charge
        return {
            "charge": str(charge.id),
            "state": str(charge.state),
            "amount": charge.amount_minor,
            "currency": charge.currency,
            "key": charge.idempotency_key,
            "provider's id": charge.provider_ref,
            "settled": _when(charge.settled_at),
        }
    return {}


def _theirs(row: Movement | None) -> dict[str, Any]:
    if row is None:
        return {}
    return {
        "id": row.provider_ref,
        "kind": str(row.kind),
        "amount": row.amount_minor,
        "currency": row.currency,
        "key": row.key,
        "reference": row.reference,
        "of charge": row.charge_ref,
        "moved": _when(row.moved_at),
    }


def _when(moment: Any) -> str:
    return moment.isoformat() if moment else ""


def forget_what_vanished(found: Iterable[UUID]) -> None:
    """Items whose two sides agree by now: the provider's row came late, or somebody repaired it another way."""
    for item in Item.objects.filter(state=ItemState.OPEN).exclude(id__in=list(found)):
        if _is_gone(item):
            Item.objects.filter(id=item.id, state=ItemState.OPEN).update(
                state=ItemState.VANISHED, resolved_at=Now(), note="Both sides agree by now."
            )


def _is_gone(item: Item) -> bool:
    if item.kind == ItemKind.MISSING_THERE or item.kind == ItemKind.REFUND_MISSING_THERE:
        return Movement.objects.filter(provider_ref=item.subject, succeeded=True).exists()
    if item.kind in (ItemKind.UNSETTLED, ItemKind.MISSING_HERE):
        return Charge.objects.filter(provider_ref=item.subject, state=ChargeState.CAPTURED).exists()
    if item.kind in (ItemKind.REFUND_UNSETTLED, ItemKind.REFUND_MISSING_HERE):
        return Refund.objects.filter(provider_ref=item.subject, state=RefundState.SUCCEEDED).exists()
    return item.kind == ItemKind.BOOKS and not disagreements(booking_id=item.booking_id)
