"""Finding what differs between the provider's record of a period and our books of it. Reads, and writes items."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from payments.agreement import disagreements
from payments.ledger.models import Entry, EntryKind
from payments.models import Charge, ChargeState, Refund, RefundState
from payments.reconciliation.items import Difference, forget_what_vanished, item_of
from payments.reconciliation.models import Item, ItemKind, Movement, MovementKind, Repair, Run
from tenants.registry.context import current_tenant

_BATCH = 1_000
_STILL_AT_WORK = (ChargeState.PENDING, ChargeState.CALLING, ChargeState.PROCESSING)
# Which of the repairs are done without a person; the README says why.
_SAFE_KINDS = {ItemKind.UNSETTLED, ItemKind.REFUND_UNSETTLED}


def compare(run: Run) -> list[Item]:
    """All differences of the run's period, as items; one that was known stays the item that it was.

    Items of earlier runs whose cause is gone are marked as vanished.
    """
    differences = [
        *_of_charges(_moved(run, MovementKind.CHARGE)),
        *_of_refunds(_moved(run, MovementKind.REFUND)),
        *_captured_here_only(run),
        *_refunded_here_only(run),
        *_of_the_books(),
    ]
    items = [item for difference in differences if (item := item_of(run, difference)) is not None]
    forget_what_vanished({item.id for item in items})
    return items


def _moved(run: Run, kind: MovementKind) -> QuerySet[Movement]:
    """What moved at the provider in the period and is not accepted as it is."""
    accepted = Entry.objects.filter(provider_ref=OuterRef("provider_ref"), kind=EntryKind.ADJUSTED)
    return (
        Movement.objects.filter(kind=kind, succeeded=True, moved_at__gte=run.period_start, moved_at__lt=run.period_end)
        .exclude(Exists(accepted))
        .order_by("moved_at", "provider_ref")
    )


def _in_batches(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for row in rows.iterator(chunk_size=_BATCH):
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _of_charges(movements: QuerySet[Movement]) -> Iterator[Difference]:
    for batch in _in_batches(movements):
        refs, keys = {row.provider_ref for row in batch}, {row.key for row in batch if row.key}
        charges = list(Charge.objects.filter(Q(provider_ref__in=refs) | Q(idempotency_key__in=keys)))
        by_ref = {charge.provider_ref: charge for charge in charges if charge.provider_ref}
        by_key = {charge.idempotency_key: charge for charge in charges}
        late = set(
            Charge.objects.filter(id__in=[c.id for c in charges], deadline_at__lt=Now()).values_list("id", flat=True)
        )
        for row in batch:
            charge = by_ref.get(row.provider_ref) or by_key.get(row.key)
            found = _of_charge(row, charge, is_late=charge is not None and charge.id in late)
            if found is not None:
                yield found


def _of_charge(row: Movement, charge: Charge | None, *, is_late: bool) -> Difference | None:
    if charge is None:
        return _charge_there(ItemKind.MISSING_HERE, row, None, Repair.REFUND)
    if charge.state != ChargeState.CAPTURED:
        if charge.state in _STILL_AT_WORK and not is_late:
            return None
        if _same(row, charge):
            return _charge_there(ItemKind.UNSETTLED, row, charge, Repair.SETTLE)
        return _charge_there(ItemKind.AMOUNT, row, charge, Repair.REFUND)
    if charge.provider_ref != row.provider_ref:
        # It bears the key that only we know, so it is ours; and the fare was taken by the other one.
        return _charge_there(ItemKind.DUPLICATE, row, charge, Repair.REFUND, is_safe=_same(row, charge))
    if not _same(row, charge):
        return Difference(
            kind=ItemKind.AMOUNT,
            subject=row.provider_ref,
            difference_minor=charge.amount_minor - row.amount_minor,
            proposal=Repair.ACCEPT,
            movement=row,
            charge=charge,
        )
    return None


def _charge_there(
    kind: ItemKind, row: Movement, charge: Charge | None, proposal: Repair, *, is_safe: bool = False
) -> Difference:
    return Difference(
        kind=kind,
        subject=row.provider_ref,
        difference_minor=-row.amount_minor,
        proposal=proposal,
        is_safe=is_safe or kind in _SAFE_KINDS,
        movement=row,
        charge=charge,
    )


def _of_refunds(movements: QuerySet[Movement]) -> Iterator[Difference]:
    for batch in _in_batches(movements):
        refs, keys = {row.provider_ref for row in batch}, {row.key for row in batch if row.key}
        refunds = list(
            Refund.objects.select_related("charge").filter(Q(provider_ref__in=refs) | Q(idempotency_key__in=keys))
        )
        by_ref = {refund.provider_ref: refund for refund in refunds if refund.provider_ref}
        by_key = {refund.idempotency_key: refund for refund in refunds}
        for row in batch:
            found = _of_refund(row, by_ref.get(row.provider_ref) or by_key.get(row.key))
            if found is not None:
                yield found


def _of_refund(row: Movement, refund: Refund | None) -> Difference | None:
    if refund is None:
        return _refund_there(ItemKind.REFUND_MISSING_HERE, row, None, row.amount_minor, Repair.ACCEPT)
    is_same = (refund.amount_minor, refund.currency) == (row.amount_minor, row.currency)
    if refund.state != RefundState.SUCCEEDED:
        if is_same:
            return _refund_there(ItemKind.REFUND_UNSETTLED, row, refund, row.amount_minor, Repair.SETTLE)
        return _refund_there(ItemKind.REFUND_AMOUNT, row, refund, row.amount_minor, Repair.ACCEPT)
    if not is_same:
        difference = row.amount_minor - refund.amount_minor
        return _refund_there(ItemKind.REFUND_AMOUNT, row, refund, difference, Repair.ACCEPT)
    return None


def _refund_there(
    kind: ItemKind, row: Movement, refund: Refund | None, difference: int, proposal: Repair
) -> Difference:
    return Difference(
        kind=kind,
        subject=row.provider_ref,
        difference_minor=difference,
        proposal=proposal,
        is_safe=kind in _SAFE_KINDS,
        movement=row,
        refund=refund,
        charge=refund.charge if refund else None,
    )


def _captured_here_only(run: Run) -> Iterator[Difference]:
    charges = Charge.objects.filter(
        state=ChargeState.CAPTURED, settled_at__gte=run.period_start, settled_at__lt=run.period_end
    )
    for charge in _without_movement(charges, MovementKind.CHARGE).iterator(chunk_size=_BATCH):
        yield Difference(
            kind=ItemKind.MISSING_THERE,
            subject=charge.provider_ref,
            difference_minor=charge.amount_minor,
            proposal=Repair.ACCEPT,
            charge=charge,
        )


def _refunded_here_only(run: Run) -> Iterator[Difference]:
    refunds = Refund.objects.select_related("charge").filter(
        state=RefundState.SUCCEEDED, settled_at__gte=run.period_start, settled_at__lt=run.period_end
    )
    for refund in _without_movement(refunds, MovementKind.REFUND).iterator(chunk_size=_BATCH):
        yield Difference(
            kind=ItemKind.REFUND_MISSING_THERE,
            subject=refund.provider_ref,
            difference_minor=-refund.amount_minor,
            proposal=Repair.ACCEPT,
            refund=refund,
            charge=refund.charge,
        )


def _without_movement(rows: QuerySet[Any], kind: MovementKind) -> QuerySet[Any]:
    there = Movement.objects.filter(provider_ref=OuterRef("provider_ref"), kind=kind, succeeded=True)
    accepted = Entry.objects.filter(provider_ref=OuterRef("provider_ref"), kind=EntryKind.ADJUSTED)
    return rows.exclude(Exists(there)).exclude(Exists(accepted)).order_by("settled_at")


def _of_the_books() -> Iterator[Difference]:
    for found in disagreements():
        held = found.booked.captured - found.booked.refunded
        evidence = (
            {name: getattr(found.booked, name) for name in found.booked.__slots__},
            {name: getattr(found.totals, name) for name in found.totals.__slots__},
        )
        yield Difference(
            kind=ItemKind.BOOKS,
            subject=str(found.booking_id),
            difference_minor=held - (found.totals.captured - found.totals.refunded),
            proposal=Repair.ADOPT,
            currency=current_tenant().currency,
            booking_id=found.booking_id,
            evidence=evidence,
        )


def _same(row: Movement, charge: Charge) -> bool:
    return (row.amount_minor, row.currency) == (charge.amount_minor, charge.currency)
