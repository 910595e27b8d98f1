"""From the entered schema: messages, traces, failed attempts and calls to the outside. Of payloads only ids are read."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models.fields.json import KT

from messaging.journal.models import HandlerError, Message, MessageKind, OutboundCall, Trace, TraceOutcome
from messaging.topology import get_topology
from wildrydes.kernel.story import MOST, Kind, Lookup, Moment, Tone

LOOKUPS = (
    Lookup(
        kind="message",
        by="uuid",
        sql="SELECT NULL::uuid, correlation_id, id FROM {s}journal_message WHERE id = %(uuid)s",
    ),
    Lookup(
        kind="correlation id",
        unique=False,
        by="uuid",
        sql="SELECT NULL::uuid, correlation_id, NULL::uuid FROM {s}journal_message WHERE correlation_id = %(uuid)s LIMIT 1",
    ),
    Lookup(
        kind="delivery",
        by="uuid",
        sql="SELECT NULL::uuid, correlation_id, message_id FROM {s}journal_trace WHERE id = %(uuid)s",
    ),
    # Retention takes messages and traces at ages of their own; either is enough.
    Lookup(
        kind="correlation id",
        unique=False,
        by="uuid",
        sql="SELECT NULL::uuid, correlation_id, NULL::uuid FROM {s}journal_trace WHERE correlation_id = %(uuid)s LIMIT 1",
    ),
    Lookup(
        kind="delivery",
        by="uuid",
        sql="SELECT NULL::uuid, correlation_id, message_id FROM {s}journal_handlererror"
        " WHERE delivery_id = %(uuid)s LIMIT 1",
    ),
    Lookup(
        kind="call",
        by="uuid",
        sql="SELECT NULL::uuid, correlation_id, message_id FROM {s}journal_outboundcall WHERE id = %(uuid)s",
    ),
)
# The ids that payloads name, by which messages of several bookings with one correlation id are told apart.
SUBJECTS = ("booking_id", "charge_id", "refund_id", "operation_id")
_OUTCOMES = {TraceOutcome.DONE: Tone.GOOD, TraceOutcome.DEAD: Tone.BAD, TraceOutcome.OBSOLETE: Tone.PLAIN}


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A message without its payload; `about` holds the ids of `SUBJECTS` that it names."""

    id: UUID
    kind: str
    topic: str
    version: int
    correlation_id: UUID
    causation_id: UUID | None
    occurred_at: datetime
    about: dict[str, UUID]


def messages_of(
    correlation_ids: Iterable[UUID] = (), *, ids: Iterable[UUID] = (), since: datetime | None = None
) -> list[Said]:
    """The messages of these correlation ids, or with these ids, the oldest first; `MOST` at most."""
    wanted, exactly = list(correlation_ids), list(ids)
    rows = Message.objects.filter(id__in=exactly) if exactly else Message.objects.filter(correlation_id__in=wanted)
    if since is not None:
        rows = rows.filter(occurred_at__gte=since)
    columns = ("id", "kind", "topic", "version", "correlation_id", "causation_id", "occurred_at")
    # Named apart: the app's own column may not be shadowed.
    ids_in_payload = {f"of_{name}": KT(f"payload__{name}") for name in SUBJECTS}
    found = rows.order_by("occurred_at", "id").values(*columns, **ids_in_payload)[:MOST]
    return [_said(row) for row in found]


def _said(row: dict[str, Any]) -> Said:
    about = {name: UUID(text) for name in SUBJECTS if _is_uuid(text := row.pop(f"of_{name}"))}
    return Said(about=about, **row)


def _is_uuid(text: str | None) -> bool:
    try:
        UUID(text or "")
    except ValueError:
        return False
    return True


def only_of(messages: Sequence[Said], mine: Collection[UUID]) -> list[Said]:
    """Without the messages of others: those that name ids and none of `mine`, and what these caused."""
    others: set[UUID] = set()
    kept = []
    for message in messages:
        named = set(message.about.values())
        if named.isdisjoint(mine) if named else message.causation_id in others:
            others.add(message.id)
        else:
            kept.append(message)
    return kept


def story_of_messages(messages: Iterable[Said]) -> list[Moment]:
    """What was published and sent."""
    purposes = {route.message.topic: _first_sentence(route.message.__doc__) for route in get_topology().routes}
    lanes = {route.message.topic: str(route.queue_class) for route in get_topology().routes}
    return [
        Moment(
            at=message.occurred_at,
            kind=Kind.EVENT if message.kind == MessageKind.EVENT else Kind.COMMAND,
            title=message.topic,
            detail=purposes.get(message.topic, ""),
            tone=Tone.INFO,
            id=message.id,
            parent=message.causation_id,
            lane=lanes.get(message.topic, message.topic.partition(".")[0]),
        )
        for message in messages
    ]


def story_of_work(
    correlation_ids: Iterable[UUID], *, message_ids: Collection[UUID] | None = None, since: datetime | None = None
) -> list[Moment]:
    """Deliveries that have ended, attempts that failed and calls that were made; of these messages only, where given."""
    wanted, start = list(correlation_ids), since or datetime.min.replace(tzinfo=UTC)
    traces = Trace.objects.filter(correlation_id__in=wanted, started_at__gte=start).order_by("started_at")
    # Never the texts: they are looked at one by one, on record.
    errors = HandlerError.objects.filter(correlation_id__in=wanted, happened_at__gte=start).order_by("happened_at")
    errors = errors.defer("text", "traceback")
    calls = OutboundCall.objects.filter(correlation_id__in=wanted, started_at__gte=start).order_by("started_at")
    told = [(row.message_id, _worked(row)) for row in traces[:MOST]]
    told += [(row.message_id, _failed(row)) for row in errors[:MOST]]
    told += [(row.message_id, _called(row)) for row in calls[:MOST]]
    return [moment for message_id, moment in told if message_ids is None or message_id in message_ids]


def lane_of(handler: str) -> str:
    """The queue class of a handler, or the app that its name begins with when the handler is not known any more."""
    route = get_topology().route(handler)
    return str(route.queue_class) if route else handler.partition(".")[0]


def _worked(trace: Trace) -> Moment:
    outcome = TraceOutcome(trace.outcome)
    words = {
        TraceOutcome.DONE: "done",
        TraceOutcome.DEAD: "given up",
        TraceOutcome.OBSOLETE: "nothing to do any more",
    }
    counts = [f"after {trace.attempts} failed" * bool(trace.attempts), f"{trace.crashes} crashed" * bool(trace.crashes)]
    return Moment(
        at=trace.started_at,
        kind=Kind.DELIVERY,
        title=f"{trace.handler}: {words[outcome]}",
        detail=", ".join([*filter(None, counts), f"by {trace.worker}"]) + ".",
        tone=_OUTCOMES[outcome],
        id=trace.id,
        parent=trace.message_id,
        lane=lane_of(trace.handler),
        took=max(timedelta(0), trace.finished_at - trace.started_at),
        attempt=trace.attempts + 1,
    )


def _failed(error: HandlerError) -> Moment:
    return Moment(
        at=error.happened_at,
        kind=Kind.ATTEMPT,
        title=f"{error.handler}: attempt {error.attempt} failed",
        detail=error.error_class.rpartition(".")[2],
        tone=Tone.BAD,
        id=error.id,
        parent=error.delivery_id,
        lane=lane_of(error.handler),
        attempt=error.attempt,
        error_id=error.id,
    )


def _called(call: OutboundCall) -> Moment:
    well = call.status is not None and 200 <= call.status < 400 and not call.error
    answer = f"{call.status}" if call.status is not None else "no answer"
    return Moment(
        at=call.started_at,
        kind=Kind.CALL,
        title=f"{call.purpose or 'call'}: {answer}",
        detail=" ".join(
            filter(None, [call.method, f"{call.host}{call.path}", f"({call.error})" if call.error else ""])
        ),
        tone=Tone.GOOD if well else Tone.BAD,
        id=call.id,
        parent=call.delivery_id,
        lane="outside",
        took=timedelta(milliseconds=call.duration_ms),
        attempt=call.attempt,
    )


def _first_sentence(text: str | None) -> str:
    line = (text or "").strip().splitlines()[0] if (text or "").strip() else ""
    return line.partition(". ")[0].rstrip(".") + "." if line else ""
