"""Sending letters again: a new delivery of the old message to the handler that gave it up, in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from audit.services import Act, Actor, record_all
from messaging.deadletters.errors import LetterNotFound, LetterNotOpen
from messaging.deadletters.foreseeing import Blocked, Sendable, foresee_all
from messaging.models import DeadLetter, DeadLetterState, Delivery
from messaging.outbox import Wakeup, wake_after_commit
from messaging.settings import first_resend_seconds
from messaging.topology import Route, Verdict
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


def send_again(letters: Sequence[DeadLetter], result: Redriven, *, actor: Actor, run_id: UUID | None = None) -> None:
    """Give each of these locked, open letters a new delivery, unless there is nothing to do any more or something is amiss."""
    due: list[Sendable] = []
    for found in foresee_all(letters):
        letter = found.letter
        if isinstance(found, Blocked):
            result.refused[letter.id] = found.obstacle
            continue
        if found.prospect.verdict is Verdict.OBSOLETE:
            _end_as_obsolete(letter, found.prospect.summary, actor)
            result.obsolete[letter.id] = found.prospect.summary
        else:
            due.append(found)
    _post(due, result, actor)
    chosen = [letter for letter in letters if letter.id not in result.refused]
    record_all([_act(letter, letter.id in result.obsolete, run_id) for letter in chosen], actor=actor)


def _act(letter: DeadLetter, obsolete: bool, run_id: UUID | None) -> Act:  # a fact of the entry
    details: dict[str, str | bool] = {"handler": letter.handler, "obsolete": obsolete}
    return Act(
        action="deadletter.redrive",
        subject_type="deadletter",
        subject_id=str(letter.id),
        tenant_id=letter.tenant_id,
        details={**details, "run": str(run_id)} if run_id else details,
    )


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


def _post(due: Sequence[Sendable], result: Redriven, actor: Actor) -> None:
    if not due:
        return
    rows = Delivery.objects.bulk_create([_delivery(one.letter, one.route) for one in due])
    sent = {one.letter.id: row.id for one, row in zip(due, rows, strict=True)}
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"letters": list(sent), "deliveries": list(sent.values()), "by": actor.name[:254]}
        cursor.execute(_UNDER_WAY, values)
    result.sent.update(sent)
    wake_after_commit([Wakeup.of(row.id, 0, row.queue_class, one.tenant) for one, row in zip(due, rows, strict=True)])


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
