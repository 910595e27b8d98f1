"""The life of an operation. Each function runs in its caller's transaction, and may run twice without harm."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from api.errors import OperationCancelled, OperationExpired, OperationFinal
from api.events import ExpireOperation, OperationCancelRequested
from api.models import OPEN_STATUSES, Operation, OperationStatus
from messaging.services import publish, send
from wildrydes.kernel.errors import DomainError
from wildrydes.kernel.problems import problem

# How long after its deadline an operation that its owner left open is ended here.
EXPIRY_GRACE = timedelta(seconds=30)

_RECORD_STEP = """
    UPDATE api_operation
       SET steps = steps || jsonb_build_array(jsonb_build_object('name', %(step)s::text, 'at',
                   to_char(statement_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))),
           status = 'running', updated_at = statement_timestamp()
     WHERE id = %(id)s AND status IN ('accepted', 'running')
       AND NOT steps @> jsonb_build_array(jsonb_build_object('name', %(step)s::text))
"""


def open_operation(
    *,
    kind: str,
    user_id: UUID,
    resource_path: str,
    resource_id: UUID,
    deadline_at: datetime,
    correlation_id: UUID,
) -> Operation:
    """Accept work that is done later: what a `202` is about.

    Its owner ends it by `deadline_at`. What is still open `EXPIRY_GRACE` later becomes `expired`, so that every `202` ends.

    Args:
        kind: what is done, such as `booking`.
        user_id: whose it is.
        resource_path: where the resource will be read, such as `/api/v1/bookings/…`.
        resource_id: the resource's id.
        deadline_at: by when it has ended.
        correlation_id: shared by everything this request sets in motion.
    """
    operation = Operation(
        kind=kind,
        user_id=user_id,
        resource_path=resource_path,
        resource_id=resource_id,
        deadline_at=deadline_at,
        correlation_id=correlation_id,
    )
    operation.save(force_insert=True)
    # The INSERT answered with the database's own time: it decides how long is left.
    wait = max(timedelta(0), deadline_at - operation.created_at) + EXPIRY_GRACE
    send(ExpireOperation(operation_id=operation.id), correlation_id=correlation_id, delay=wait)
    return operation


def _database_now() -> datetime:
    """The present by the one clock that decides."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def record_step(*, operation_id: UUID, step: str) -> None:
    """Note that `step` has been reached; the operation is then `running`. Unknown, ended and repeated ones change nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_RECORD_STEP, {"id": operation_id, "step": step})


def succeed_operation(*, operation_id: UUID, result: dict[str, Any]) -> bool:
    """End it well. `result` is embedded in the operation; JSON-ready values. Answers whether this call ended it."""
    return _finish(operation_id, OperationStatus.SUCCEEDED, result=result)


def fail_operation(*, operation_id: UUID, error: DomainError) -> bool:
    """End it with the reason, shown to the client as a problem document. Answers whether this call ended it."""
    return _finish(operation_id, OperationStatus.FAILED, error=problem(error))


def cancel_operation(*, operation_id: UUID, error: DomainError | None = None) -> bool:
    """End it because it was cancelled. Answers whether this call ended it."""
    return _finish(operation_id, OperationStatus.CANCELLED, error=problem(error or OperationCancelled()))


def expire_operation(*, operation_id: UUID) -> bool:
    """End it because its time is up. Answers whether this call ended it."""
    return _finish(operation_id, OperationStatus.EXPIRED, error=problem(OperationExpired()))


def _finish(
    operation_id: UUID,
    status: OperationStatus,
    *,
    result: dict[str, Any] | None = None,
    error: dict[str, Any] | None = None,
) -> bool:
    changed = Operation.objects.filter(id=operation_id, status__in=OPEN_STATUSES).update(
        status=status, result=result, error=error, finished_at=Now(), updated_at=Now()
    )
    return changed == 1


def request_cancellation(*, operation: Operation) -> Operation:
    """Ask the operation's owner to cancel it. Inside a transaction.

    Asking again changes nothing and is answered like the first time, also when it has been cancelled meanwhile: the first
    answer may have been lost (RFC 9110, 9.2.2).

    Raises:
        OperationFinal: it has ended otherwise.
    """
    locked = Operation.objects.select_for_update().get(id=operation.id)
    if locked.status == OperationStatus.CANCELLED:
        return locked
    if locked.is_final:
        raise OperationFinal(f"It has ended as {locked.status}; there is nothing left to cancel.")
    if locked.cancel_requested_at is None:
        locked.cancel_requested_at = _database_now()
        locked.save(update_fields=["cancel_requested_at"])
        publish(
            OperationCancelRequested(
                operation_id=locked.id, kind=locked.kind, resource_id=locked.resource_id, user_id=locked.user_id
            ),
            correlation_id=locked.correlation_id,
        )
    return locked
