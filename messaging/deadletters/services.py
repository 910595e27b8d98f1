"""What people do with dead letters. Each act is in the audit trail, in the same transaction; callers check permissions.

Whole causes are redriven by a run, with a dry run, a canary and a rate: see `messaging.deadletters.redriving`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from audit.services import Act, Actor, record_all
from messaging.deadletters.errors import BadPayload, LetterNotFound
from messaging.deadletters.filters import MOST_IDS, LetterFilter
from messaging.deadletters.opening import entered, message_of, route_of, tenant_of
from messaging.deadletters.payloads import changed_fields, read_payload
from messaging.deadletters.sending import Redriven, locked_open, send_again
from messaging.journal.models import HandlerError
from messaging.models import DeadLetter, DeadLetterState
from messaging.posting import Post, post
from tenants.registry.context import enter_public, entered_schema
from wildrydes.kernel.errors import InvalidInput, NotFound
from wildrydes.kernel.ids import new_id

__all__ = ["Redriven", "discard", "discard_all", "edit_and_send", "look_at_error", "look_at_payload", "redrive"]

LONGEST_REASON = 500
_BATCH = 500


@dataclass(frozen=True, kw_only=True)
class ErrorText:
    """What one failed attempt said. It may hold personal data of the tenant's people."""

    error_class: str
    text: str
    traceback: str


def redrive(letter_ids: Sequence[UUID], *, actor: Actor) -> Redriven:
    """Send these letters' messages again; at most `MOST_IDS`. Answers what became of each.

    A letter whose work has nothing left to do is marked obsolete at once. A suspended tenant's letters are sent: they were
    accepted. Of two who redrive the same letter, one sends it and the other is told.

    Raises:
        InvalidInput: no letter is named, or too many.
        DomainError: nothing could be sent; the first letter's reason.
    """
    with enter_public(), transaction.atomic():
        result = Redriven()
        letters = locked_open(_named(letter_ids), result)
        send_again(letters, result, actor=actor)
        if result.refused and not result.sent and not result.obsolete:
            raise next(iter(result.refused.values()))
    return result


def discard(letter_ids: Sequence[UUID], *, reason: str, actor: Actor) -> int:
    """Close these letters without sending them; answers how many were open. `reason` is for those who ask later.

    Raises:
        InvalidInput: no reason, or no letter is named, or too many.
        DomainError: none of them is open; the first letter's reason.
    """
    reason = _reason(reason)
    with enter_public(), transaction.atomic():
        result = Redriven()
        letters = locked_open(_named(letter_ids), result)
        if not letters:
            raise next(iter(result.refused.values()))
        _discard(letters, reason, actor)
    return len(letters)


def discard_all(selection: LetterFilter, *, reason: str, actor: Actor) -> int:
    """Close every open letter that the filter finds, a bounded batch at a time; answers how many.

    Raises:
        InvalidInput: no reason, or the filter names what does not exist.
    """
    reason, count = _reason(reason), 0
    with enter_public():
        while True:
            with transaction.atomic():
                letters = list(_open(selection).select_for_update(skip_locked=True).order_by("id")[:_BATCH])
                _discard(letters, reason, actor)
            count += len(letters)
            if len(letters) < _BATCH:
                return count


def _open(selection: LetterFilter) -> QuerySet[DeadLetter]:
    return selection.apply().filter(state=DeadLetterState.OPEN)


def _discard(letters: Sequence[DeadLetter], reason: str, actor: Actor) -> None:
    DeadLetter.objects.filter(id__in=[letter.id for letter in letters]).update(
        state=DeadLetterState.DISCARDED,
        resolved_at=Now(),
        resolved_by=actor.name[:254],
        resolution_note=reason,
    )
    record_all([_act("deadletter.discard", letter, reason=reason) for letter in letters], actor=actor)


def look_at_payload(letter_id: UUID, *, actor: Actor) -> dict[str, Any]:
    """What the letter's message says, from its tenant's schema. That somebody looked is in the audit trail.

    Raises:
        LetterNotFound: there is no such letter.
        Obstacle: its tenant or its message is gone.
    """
    with enter_public(), transaction.atomic():
        letter = _letter(letter_id)
        with entered(tenant_of(letter)):
            payload: dict[str, Any] = message_of(letter).payload
        record_all([_act("deadletter.payload_viewed", letter)], actor=actor)
    return payload


def look_at_error(letter_id: UUID, error_id: UUID, *, actor: Actor) -> ErrorText:
    """What one failed attempt of the letter said, from its tenant's schema. That somebody looked is in the audit trail.

    Raises:
        LetterNotFound, NotFound: there is no such letter, or it has no such error.
        Obstacle: its tenant is gone.
    """
    with enter_public(), transaction.atomic():
        letter = _letter(letter_id)
        with entered(tenant_of(letter)):
            error = HandlerError.objects.filter(
                id=error_id, correlation_id=letter.correlation_id, message_id=letter.message_id, handler=letter.handler
            ).first()
        if error is None:
            raise NotFound("This attempt's error is not there any more.")
        record_all([_act("deadletter.error_viewed", letter, error=str(error_id))], actor=actor)
    return ErrorText(error_class=error.error_class, text=error.text, traceback=error.traceback)


def edit_and_send(letter_id: UUID, *, payload: str | bytes | Mapping[str, Any], actor: Actor) -> UUID:
    """Send a corrected message to the handler that gave this one up; answers the new message's id.

    The old message stays as it was; the new one names it as its cause and shares its correlation id. Other handlers of the old
    message do not get the new one: they did their work.

    Raises:
        LetterNotFound, LetterNotOpen: there is none, or it is dealt with.
        Obstacle: its tenant, its message or its handler is not there.
        BadPayload: the payload does not fit the message's shape, or says what the old one said.
    """
    with enter_public(), transaction.atomic():
        result = Redriven()
        letters = locked_open([letter_id], result)
        if not letters:
            raise result.refused[letter_id]
        letter, tenant, route = letters[0], tenant_of(letters[0]), route_of(letters[0])
        with entered(tenant):
            old = message_of(letter)
            body = read_payload(payload, route.message)
            changed = changed_fields(old.payload, body)
            if not changed:
                raise BadPayload("Nothing has changed; redrive the letter to send its message as it is.")
            message = Post(
                id=new_id(),
                kind=old.kind,
                topic=old.topic,
                version=route.message.version,
                payload=json.dumps(body),
                correlation_id=old.correlation_id,
                causation_id=old.id,
                schema=entered_schema(),
                tenant=tenant,
                routes=(route,),
            )
            post(message)
        DeadLetter.objects.filter(id=letter.id).update(
            state=DeadLetterState.REPLACED, replaced_by=message.id, resolved_at=Now(), resolved_by=actor.name[:254]
        )
        record_all([_act("deadletter.edit", letter, message=str(message.id), fields=", ".join(changed))], actor=actor)
    return message.id


def _letter(letter_id: UUID) -> DeadLetter:
    letter = DeadLetter.objects.filter(id=letter_id).first()
    if letter is None:
        raise LetterNotFound
    return letter


def _named(letter_ids: Sequence[UUID]) -> list[UUID]:
    chosen = list(dict.fromkeys(letter_ids))
    if not 1 <= len(chosen) <= MOST_IDS:
        raise InvalidInput.at("/ids", f"Name between 1 and {MOST_IDS} letters; choose more of them by what they share.")
    return chosen


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not 3 <= len(reason) <= LONGEST_REASON or not reason.isprintable():
        raise InvalidInput.at("/reason", f"Say why, in 3 to {LONGEST_REASON} characters of plain text.")
    return reason


def _act(action: str, letter: DeadLetter, *, reason: str = "", **details: str) -> Act:
    return Act(
        action=action,
        subject_type="deadletter",
        subject_id=str(letter.id),
        tenant_id=letter.tenant_id,
        reason=reason,
        details={"handler": letter.handler, **details},
    )
