"""Every few minutes: what is open or unknown and nobody is at any more is asked again, dead payment letters included."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from audit.services import Actor
from messaging.deadletters import services as deadletters
from messaging.journal.models import Message
from messaging.messages import Command
from messaging.models import DeadLetter, DeadLetterState, DeadReason, Delivery
from messaging.services import send
from payments.events import CaptureCredit, CapturePayment, RefundPayment, ResolveUnknown
from payments.models import Charge, ChargeState, Refund, RefundState
from payments.reconciliation.models import Run, RunKind, RunState
from tenants.registry.context import current_tenant, enter_public
from tenants.registry.models import Tenant
from wildrydes.kernel.errors import DomainError

RETRIED = (
    "payments.capture_credit",
    "payments.resolve_unknown",
    "payments.refund",
    "reconciliation.fetch_page",
    "reconciliation.compare",
    "reconciliation.refund_stray",
)
"""Whose dead letters are tried again without a person: each looks up what became of its earlier tries, and has no outcome yet."""
LETTERS_A_ROUND, LETTERS_A_TENANT = 50, 10
MOST_REDRIVES = 6
FIRST_PAUSE = timedelta(minutes=15)
_ACTOR = Actor.system("reconciliation")
_LEFT_ALONE = timedelta(minutes=10)
_MOST = 200
_HANDLERS = ("payments.capture", *RETRIED[:3])


def watch_tenant() -> int:
    """Send again what the present tenant's payments wait for although no message about it is on its way; answers how many.

    A row for the run is written when there was something to do, one per slot of five minutes.
    """
    with transaction.atomic():
        waiting = [*_open_charges(), *_open_refunds()]
        if not waiting:
            return 0
        busy = _on_their_way()
        left = [command for subject, command in waiting if subject not in busy]
        if not left or not _begin_slot(len(left)):
            return 0
        for command in left:
            send(command)
    return len(left)


def _open_charges() -> Iterable[tuple[UUID, Command]]:
    """Charges that wait for an answer, with the command that asks for it; none that somebody may be at."""
    long_ago = Now() - _LEFT_ALONE
    found = Charge.objects.filter(
        Q(state__in=(ChargeState.ON_CREDIT, ChargeState.IN_DOUBT), settled_at__lt=long_ago)
        | Q(settled_at=None, deadline_at__lt=long_ago)
    )
    for charge in found.order_by("created_at")[:_MOST]:
        if charge.state == ChargeState.ON_CREDIT:
            yield charge.id, CaptureCredit(charge_id=charge.id)
        elif charge.state == ChargeState.IN_DOUBT:
            yield charge.id, ResolveUnknown(charge_id=charge.id)
        else:
            yield charge.id, CapturePayment(charge_id=charge.id)


def _open_refunds() -> Iterable[tuple[UUID, Command]]:
    found = Refund.objects.filter(
        state__in=(RefundState.PENDING, RefundState.CALLING), created_at__lt=Now() - _LEFT_ALONE
    )
    for refund in found.order_by("created_at")[:_MOST]:
        yield refund.id, RefundPayment(refund_id=refund.id)


def _on_their_way() -> set[UUID]:
    """The charges and refunds that a delivery or an open dead letter of this tenant is about."""
    mine = {"tenant_id": current_tenant().id, "handler__in": _HANDLERS}
    deliveries = Delivery.objects.filter(**mine).values_list("message_id", flat=True)
    letters = DeadLetter.objects.filter(
        **mine, state__in=(DeadLetterState.OPEN, DeadLetterState.REDRIVING)
    ).values_list("message_id", flat=True)
    messages = Message.objects.filter(id__in=[*deliveries, *letters]).values_list("payload", flat=True)
    return {UUID(payload[name]) for payload in messages for name in ("charge_id", "refund_id") if payload.get(name)}


def _begin_slot(found: int) -> bool:
    """Write the run of the present five minutes; False when another scheduler has done it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT date_bin('5 minutes', statement_timestamp(), timestamptz '2000-01-01 00:00Z')")
        start: datetime = cursor.fetchone()[0]
    run = Run(
        kind=RunKind.OPEN,
        period_start=start,
        period_end=start + timedelta(minutes=5),
        state=RunState.DONE,
        found=found,
        repaired=found,
        finished_at=Now(),
        note="Nothing was on its way for these: asked again.",
    )
    Run.objects.bulk_create([run], ignore_conflicts=True)
    return Run.objects.filter(id=run.id).exists()


def retry_dead_letters() -> int:
    """Redrive dead payment letters that have rested, a few per company and round; answers how many were sent.

    A letter rests a quarter of an hour, then twice as long each time, and is left to people after `MOST_REDRIVES`. One that was
    rejected will not do better: a person decides.
    """
    with enter_public():
        sent = 0
        working = Tenant.objects.filter(Exists(DeadLetter.objects.filter(tenant_id=OuterRef("id"), **_retriable())))
        for tenant_id in working.order_by("?").values_list("id", flat=True)[:LETTERS_A_ROUND]:
            if sent >= LETTERS_A_ROUND:
                break
            ids = _rested(tenant_id, most=min(LETTERS_A_TENANT, LETTERS_A_ROUND - sent))
            sent += _redrive(ids)
        return sent


def _retriable() -> dict[str, object]:
    return {"state": DeadLetterState.OPEN, "handler__in": RETRIED, "redrives__lt": MOST_REDRIVES}


def _rested(tenant_id: UUID, *, most: int) -> list[UUID]:
    rested = Q()
    for times in range(MOST_REDRIVES):
        rested |= Q(redrives=times, last_died_at__lt=Now() - FIRST_PAUSE * 2**times)
    found = (
        DeadLetter.objects.filter(tenant_id=tenant_id, **_retriable())
        .exclude(reason=DeadReason.REJECTED)
        .filter(rested)
    )
    return list(found.order_by("last_died_at").values_list("id", flat=True)[:most])


def _redrive(ids: list[UUID]) -> int:
    if not ids:
        return 0
    try:
        result = deadletters.redrive(ids, actor=_ACTOR)
    except DomainError:  # none of them could be sent: each says why in the console
        return 0
    return len(result.sent)
