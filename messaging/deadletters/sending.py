"""Sending letters again: a new delivery of the old message to the handler that gave it up, in the caller's transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from audit.services import Act, Actor, record_all
from messaging.deadletters.errors import LetterNotFound, LetterNotOpen, Obstacle
from messaging.deadletters.foreseeing import foresee
from messaging.deadletters.opening import entered, envelope_for, route_of, tenant_of
from messaging.journal.models import Message
from messaging.models import DeadLetter, DeadLetterState, Delivery
from messaging.outbox import Wakeup, wake_after_commit
from messaging.settings import first_resend_seconds
from messaging.topology import Route, Verdict
from tenants.registry.directory import TenantRef
from wildrydes.kernel.errors import DomainError

_UNDER_WAY = """
    UPDATE messaging_deadletter l
       SET state = 'redriving', delivery_id = sent.delivery, redriven_by = %(by)s, redriven_at = clock_timestamp(),
           redrives = redrives + 1
      FROM unnest(%(letters)s::uuid[], %(deliveries)s::uuid[]) AS sent (letter, delivery)
     WHERE l.id = sent.letter
"""


@dataclass
class Redriven:
    """What became of each letter: sent (with its new delivery's id), obsolete (with why), or refused (with why)."""

    sent: dict[UUID, UUID] = field(default_factory=dict)
    obsolete: dict[UUID, str] = field(default_factory=dict)
    refused: dict[UUID, DomainError] = field(default_factory=dict)


def locked_open(letter_ids: Sequence[UUID], result: Redriven) -> list[DeadLetter]:
    """The open ones of these letters, held until the transaction ends; the others are refused in `result`.

    Whoever comes second waits here, and finds the letter no longer open.
    """
    found = {row.id: row for row in DeadLetter.objects.select_for_update().filter(id__in=letter_ids).order_by("id")}
    for letter_id in letter_ids:
        if letter_id not in found:
            result.refused[letter_id] = LetterNotFound()
        elif found[letter_id].state != DeadLetterState.OPEN:
            result.refused[letter_id] = LetterNotOpen(_what_was_done(found[letter_id]))
    return [row for row in found.values() if row.state == DeadLetterState.OPEN]


def send_again(letters: Iterable[DeadLetter], result: Redriven, *, actor: Actor, run_id: UUID | None = None) -> None:
    """Give each of these locked, open letters a new delivery, unless there is nothing to do any more or something is amiss."""
    by_tenant = sorted(letters, key=lambda letter: str(letter.tenant_id or ""))
    for _, group in groupby(by_tenant, key=lambda letter: letter.tenant_id):
        _send_group(list(group), result, actor)
    chosen = [letter for letter in by_tenant if letter.id not in result.refused]
    details = {"run": str(run_id)} if run_id else {}
    record_all(
        [
            Act(
                action="deadletter.redrive",
                subject_type="deadletter",
                subject_id=str(letter.id),
                tenant_id=letter.tenant_id,
                details={**details, "handler": letter.handler, "obsolete": letter.id in result.obsolete},
            )
            for letter in chosen
        ],
        actor=actor,
    )


def _send_group(letters: list[DeadLetter], result: Redriven, actor: Actor) -> None:
    try:
        tenant = tenant_of(letters[0])
    except Obstacle as error:
        result.refused.update({letter.id: error for letter in letters})
        return
    rows: list[Delivery] = []
    with entered(tenant):
        messages = Message.objects.in_bulk([letter.message_id for letter in letters])
        for letter in letters:
            try:
                route = route_of(letter)
                envelope = envelope_for(letter, route, messages.get(letter.message_id), tenant)
            except Obstacle as error:
                result.refused[letter.id] = error
                continue
            prospect = foresee(route, envelope)
            if prospect.verdict is Verdict.OBSOLETE:
                _end_as_obsolete(letter, prospect.summary, actor)
                result.obsolete[letter.id] = prospect.summary
            else:
                rows.append(_delivery(letter, route))
    _post(rows, tenant, result, actor)


def _delivery(letter: DeadLetter, route: Route) -> Delivery:
    """Its attempts, its crashes and its time to live begin anew."""
    return Delivery(
        tenant_id=letter.tenant_id,
        message_id=letter.message_id,
        correlation_id=letter.correlation_id,
        topic=letter.topic,
        version=letter.version,
        handler=letter.handler,
        queue_class=route.queue_class,
        not_before=Now(),
        due_at=Now() + timedelta(seconds=first_resend_seconds()),
        expires_at=None if route.time_to_live is None else Now() + route.time_to_live,
        letter_id=letter.id,
    )


def _post(rows: list[Delivery], tenant: TenantRef | None, result: Redriven, actor: Actor) -> None:
    if not rows:
        return
    Delivery.objects.bulk_create(rows)
    sent = {row.letter_id: row.id for row in rows if row.letter_id is not None}
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"letters": list(sent), "deliveries": list(sent.values()), "by": actor.name[:254]}
        cursor.execute(_UNDER_WAY, values)
    result.sent.update(sent)
    wake_after_commit([Wakeup.of(row.id, 0, row.queue_class, tenant) for row in rows])


def _end_as_obsolete(letter: DeadLetter, why: str, actor: Actor) -> None:
    DeadLetter.objects.filter(id=letter.id).update(
        state=DeadLetterState.OBSOLETE,
        redriven_by=actor.name[:254],
        redriven_at=Now(),
        resolved_at=Now(),
        resolved_by=actor.name[:254],
        resolution_note=why[:500],
    )


def _what_was_done(letter: DeadLetter) -> str:
    if letter.state == DeadLetterState.REDRIVING:
        return (
            f"{letter.redriven_by} has sent it again at {letter.redriven_at:%Y-%m-%d %H:%M} UTC, and it is under way."
        )
    what = str(letter.get_state_display()).lower()
    when = f" at {letter.resolved_at:%Y-%m-%d %H:%M} UTC" if letter.resolved_at else ""
    return f"It is dealt with already: {what} by {letter.resolved_by}{when}."
