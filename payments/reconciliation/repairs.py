"""Repairing a difference: by itself where that is safe, else by a person's one click. Each is done once."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from audit.services import Actor, record
from messaging.services import send
from payments import services as payments
from payments.agreement import adopt
from payments.domain import Standing
from payments.ledger import services as ledger
from payments.ledger.domain import Account, Line
from payments.ledger.models import EntryKind
from payments.providers.base import Access, ProviderAnswer, RefundOrder
from payments.reconciliation.events import RefundStray
from payments.reconciliation.models import Item, ItemKind, ItemState, Movement, Repair
from payments.reconciliation.records import access_to
from tenants.registry.context import current_tenant
from wildrydes.kernel.errors import Conflict, InvalidInput, NotFound

SYSTEM = Actor.system("reconciliation")
LONGEST_REASON = 500


class ItemNotFound(NotFound):
    """There is no such difference."""


class ItemNotOpen(Conflict):
    """Somebody, or the next run, was first."""

    code = "difference-not-open"
    title = "The difference is dealt with"


@dataclass(frozen=True, kw_only=True, slots=True)
class StrayIntent:
    """A charge that is about to be given back."""

    access: Access
    order: RefundOrder
    may_have_been_sent: bool = True


def repair_by_itself(items: Iterable[Item]) -> int:
    """Repair those that are safe, in the caller's transaction; answers how many."""
    safe = [item for item in items if item.is_safe and item.state == ItemState.OPEN]
    for item in safe:
        _repair(item, by="")
    return len(safe)


def repair(item_id: UUID, *, actor: Actor) -> Item:
    """Do what is proposed; of two who ask at once, one does it and the other is told.

    Raises:
        ItemNotFound, ItemNotOpen: there is none, or it is dealt with.
    """
    with transaction.atomic():
        item = _held(item_id)
        _repair(item, by=actor.name[:254])
        _tell(item, "reconciliation.repaired", actor, repair=item.proposal)
    item.refresh_from_db()
    return item


def close(item_id: UUID, *, reason: str, actor: Actor) -> Item:
    """Leave the difference as it is, for a reason that those who ask later can read.

    Raises:
        ItemNotFound, ItemNotOpen: there is none, or it is dealt with.
        InvalidInput: no reason.
    """
    why = " ".join(reason.split())
    if not 3 <= len(why) <= LONGEST_REASON or not why.isprintable():
        raise InvalidInput.at("/reason", f"Say why, in 3 to {LONGEST_REASON} characters of plain text.")
    with transaction.atomic():
        item = _held(item_id)
        _resolve(item, ItemState.CLOSED, by=actor.name[:254], note=why)
        _tell(item, "reconciliation.closed", actor, reason=why)
    item.refresh_from_db()
    return item


def begin_stray_refund(*, item_id: UUID) -> StrayIntent | None:
    """What is to be given back; None when it is done."""
    item = Item.objects.select_for_update().get(id=item_id)
    if item.state != ItemState.REPAIRING:
        return None
    movement = Movement.objects.get(provider_ref=item.subject)
    order = RefundOrder(
        idempotency_key=f"stray-{item.id}",
        charge_ref=movement.provider_ref,
        amount_minor=movement.amount_minor,
        currency=movement.currency,
        reference=movement.reference or str(item.id),
    )
    return StrayIntent(access=access_to(movement.account_id), order=order)


def settle_stray_refund(*, item_id: UUID, answer: ProviderAnswer) -> None:
    """The stray charge is back; both it and its refund are in the books. A second time changes nothing."""
    item = Item.objects.select_for_update().get(id=item_id)
    if item.state != ItemState.REPAIRING:
        return
    movement = Movement.objects.get(provider_ref=item.subject)
    _book(item, movement.amount_minor, ref=movement.provider_ref, part="charge")
    _book(item, -movement.amount_minor, ref=answer.ref, part="refund")
    _resolve(item, ItemState.REPAIRED, by=item.resolved_by)


def give_up_stray_refund(*, item_id: UUID, reason: str) -> None:
    """The provider did not take the refund: a person must look."""
    Item.objects.filter(id=item_id, state=ItemState.REPAIRING).update(
        state=ItemState.OPEN, is_safe=False, note=f"The refund was given up: {reason}"[:500]
    )


def _repair(item: Item, *, by: str) -> None:
    if item.proposal == Repair.REFUND:
        Item.objects.filter(id=item.id).update(state=ItemState.REPAIRING, resolved_by=by)
        send(RefundStray(item_id=item.id))
        return
    if item.proposal == Repair.SETTLE:
        _settle(item)
    elif item.proposal == Repair.ADOPT:
        adopt()
    elif item.difference_minor:
        _book(item, -item.difference_minor, ref=item.subject, part="accepted")
    _resolve(item, ItemState.REPAIRED, by=by)


def _settle(item: Item) -> None:
    answer = ProviderAnswer(standing=Standing.SUCCEEDED, ref=item.provider_ref)
    if item.kind == ItemKind.REFUND_UNSETTLED and item.refund_id is not None:
        payments.settle_refund(refund_id=item.refund_id, answer=answer)
    elif item.charge_id is not None:
        payments.settle_capture(charge_id=item.charge_id, answer=answer)


def _book(item: Item, minor: int, *, ref: str, part: str) -> None:
    """Our provider account changes by so much, and the discrepancies by the opposite."""
    fact = ledger.Fact(kind=EntryKind.ADJUSTED, once=f"item:{item.id}:{part}", currency=item.currency, provider_ref=ref)
    ledger.post_lines(fact, (Line(Account.PROVIDER, minor), Line(Account.DISCREPANCIES, -minor)))


def _resolve(item: Item, state: ItemState, *, by: str, note: str = "") -> None:
    Item.objects.filter(id=item.id).update(
        state=state, resolved_at=Now(), resolved_by=by or SYSTEM.name, note=note or item.note
    )


def _held(item_id: UUID) -> Item:
    item = Item.objects.select_for_update().filter(id=item_id).first()
    if item is None:
        raise ItemNotFound("There is no such difference.")
    if item.state != ItemState.OPEN:
        raise ItemNotOpen(f"It is dealt with: {item.get_state_display().lower()}.")
    return item


def _tell(item: Item, action: str, actor: Actor, *, reason: str = "", **details: str) -> None:
    record(
        actor=actor,
        action=action,
        subject_type="reconciliation_item",
        subject_id=str(item.id),
        tenant_id=current_tenant().id,
        reason=reason,
        details={"kind": item.kind, "difference_minor": item.difference_minor, "currency": item.currency, **details},
    )
