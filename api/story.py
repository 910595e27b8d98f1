"""The API's part of a booking's story: what was accepted, and how the client was told."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from api.models import Operation, OperationStatus
from wildrydes.kernel.story import Kind, Lookup, Moment, Tone

LOOKUPS = (
    Lookup(
        kind="operation",
        by="uuid",
        sql="SELECT resource_id, correlation_id, NULL::uuid FROM {s}api_operation WHERE id = %(uuid)s",
    ),
    Lookup(
        kind="the client's idempotency key",
        unique=False,
        by="text",
        sql="SELECT o.resource_id, o.correlation_id, NULL::uuid FROM {s}api_idempotencykey k JOIN {s}api_operation o"
        " ON o.id = substring(k.headers->>'Location' FROM '[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$')::uuid"
        " WHERE k.key = %(text)s LIMIT 5",
    ),
)
_TONES = {
    OperationStatus.SUCCEEDED: Tone.GOOD,
    OperationStatus.FAILED: Tone.BAD,
    OperationStatus.CANCELLED: Tone.WARN,
    OperationStatus.EXPIRED: Tone.BAD,
}


def operations_of(operation_ids: Iterable[UUID]) -> list[Operation]:
    """These operations, without their results."""
    return list(Operation.objects.filter(id__in=list(operation_ids)).defer("result").order_by("created_at"))


def story_of(operations: Iterable[Operation]) -> list[Moment]:
    """Accepted with a 202, the steps a client could see, the end it was told."""
    return [moment for operation in operations for moment in _told(operation)]


def _told(operation: Operation) -> list[Moment]:
    name = operation.kind.replace("_", " ").replace(".", " ")

    def moment(at: datetime, title: str, tone: Tone = Tone.PLAIN, detail: str = "") -> Moment:
        return Moment(at=at, kind=Kind.REQUEST, title=title, tone=tone, detail=detail, id=operation.id, lane="requests")

    told = [moment(operation.created_at, f"Request accepted: {name}", Tone.INFO, "Answered 202 with an operation.")]
    told += [
        moment(datetime.fromisoformat(step["at"]), f"The client can see: {step['name']}") for step in operation.steps
    ]
    if operation.cancel_requested_at is not None:
        told.append(moment(operation.cancel_requested_at, f"The client asked to cancel: {name}", Tone.WARN))
    if operation.finished_at is not None:
        status = OperationStatus(operation.status)
        problem = operation.error or {}
        told.append(moment(operation.finished_at, f"{name.capitalize()} {status}", _TONES[status], _title(problem)))
    return told


def _title(problem: dict[str, object]) -> str:
    """A problem document's title is a fixed sentence; its detail may quote what the client sent."""
    return str(problem.get("title", ""))
