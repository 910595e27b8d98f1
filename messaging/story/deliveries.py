"""From `public`: what is still on its way, and what died."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from messaging.models import DeadLetter, DeadLetterState, Delivery
from messaging.story.journal import lane_of
from wildrydes.kernel.story import MOST, Kind, Moment, Tone

_SOME = 20
_TONES = {
    DeadLetterState.OPEN: Tone.BAD,
    DeadLetterState.REDRIVING: Tone.WARN,
    DeadLetterState.REDRIVEN: Tone.GOOD,
    DeadLetterState.REPLACED: Tone.GOOD,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Live:
    """A delivery that has not ended, as the database saw it at `now`."""

    delivery: Delivery
    now: datetime


def locate(some_id: UUID) -> list[tuple[str, UUID | None, UUID, UUID | None]]:
    """Kind, tenant, correlation id and message of what has this id here: a delivery, a dead letter, or letters' correlation id.

    By primary keys and indexes only: the deliveries' table is the busiest of all.
    """
    columns = ("tenant_id", "correlation_id", "message_id")
    found = [("delivery", *row) for row in Delivery.objects.filter(id=some_id).values_list(*columns)]
    letters = DeadLetter.objects.filter(Q(id=some_id))
    found += [("dead letter", *row) for row in letters.values_list(*columns)]
    if not found:
        correlated = DeadLetter.objects.filter(correlation_id=some_id).values_list("tenant_id", flat=True).distinct()
        found = [("correlation id", tenant_id, some_id, None) for tenant_id in correlated[:_SOME]]
    return found


def live_deliveries(correlation_ids: Iterable[UUID], *, tenant_id: UUID | None) -> list[Live]:
    """What is on its way. By the tenant, which is indexed."""
    rows = Delivery.objects.filter(tenant_id=tenant_id, correlation_id__in=list(correlation_ids))
    return [Live(delivery=row, now=row.db_now) for row in rows.annotate(db_now=Now()).order_by("not_before")[:MOST]]


def story_of_deliveries(live: Iterable[Live], *, message_ids: Collection[UUID] | None = None) -> list[Moment]:
    """Waiting, delayed or being worked on; delayed ones stand where they become due."""
    return [_told(one) for one in live if message_ids is None or one.delivery.message_id in message_ids]


def _told(live: Live) -> Moment:
    row = live.delivery
    tone = Tone.INFO
    if row.claim_id is not None:
        is_held = row.lease_until is not None and row.lease_until > live.now
        at, words = row.claimed_at or row.created_at, f"being worked on by {row.claimed_by}"
        if not is_held:
            words, tone = f"abandoned by {row.claimed_by}; taken over soon", Tone.WARN
    elif row.not_before > live.now:
        at, words = row.not_before, "will be tried again" if row.attempts or row.crashes else "is due"
        tone = Tone.WARN if row.attempts or row.crashes else Tone.PLAIN
    else:
        at, words = row.not_before, "waits for a worker"
    counts = [f"{row.attempts} failed" * bool(row.attempts), f"{row.crashes} crashed" * bool(row.crashes)]
    return Moment(
        at=at,
        kind=Kind.DELIVERY,
        title=f"{row.handler}: {words}",
        detail=", ".join(filter(None, counts)),
        tone=tone,
        id=row.id,
        parent=row.message_id,
        lane=lane_of(row.handler),
        attempt=row.attempts + 1,
    )


def letters_of(correlation_ids: Iterable[UUID], *, tenant_id: UUID | None) -> list[DeadLetter]:
    """The dead letters, the oldest first."""
    found = DeadLetter.objects.filter(correlation_id__in=list(correlation_ids), tenant_id=tenant_id)
    return list(found.order_by("died_at")[:MOST])


def story_of_letters(letters: Iterable[DeadLetter]) -> list[Moment]:
    """When they died, were sent again, and were dealt with."""
    told = []
    for letter in letters:
        tone = _TONES.get(DeadLetterState(letter.state), Tone.PLAIN)
        missing = "" if letter.outcome_committed else " Its outcome could not be committed: look at this one first."
        why = f"{letter.get_reason_display()}. Now: {letter.get_state_display().lower()}.{missing}"
        told.append(_letter(letter, letter.died_at, "dead letter", why, tone if not missing else Tone.BAD))
        if letter.redriven_at is not None:
            by = f"By {letter.redriven_by}." if letter.redriven_by else ""
            told.append(_letter(letter, letter.redriven_at, "sent again", by, Tone.INFO))
        if letter.resolved_at is not None:
            words = letter.get_state_display().lower()
            told.append(_letter(letter, letter.resolved_at, f"letter {words}", letter.resolution_note, tone))
    return told


def _letter(letter: DeadLetter, at: datetime, words: str, detail: str, tone: Tone) -> Moment:
    return Moment(
        at=at,
        kind=Kind.LETTER,
        title=f"{letter.handler}: {words}",
        detail=detail,
        tone=tone,
        id=letter.id,
        parent=letter.message_id,
        lane=lane_of(letter.handler),
    )
