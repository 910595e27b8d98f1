"""Recording calls to the outside beside the journal, whoever made them.

The kernel's client tells of every call (see `wildrydes.kernel.http.observing`); what was called while no message was handled
(the fleet's feed) is nobody's story and is not kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection, transaction
from django.db.models.functions import Now

from messaging.journal.models import OutboundCall
from messaging.messages import current_message
from wildrydes.kernel.http import OutboundCallSeen


def record_call(seen: OutboundCallSeen) -> None:
    """Note the call in the schema of the message that is being handled; one statement.

    Gateways call outside of any transaction, so the row stays whatever becomes of the attempt. It began `duration` before the
    database's present moment: the clocks of workers may differ.
    """
    message = current_message()
    if message is None:
        return
    call = OutboundCall(
        delivery_id=message.delivery_id,
        message_id=message.id,
        correlation_id=message.correlation_id,
        attempt=message.attempt,
        purpose=seen.purpose[:40],
        method=seen.method,
        host=seen.host[:270],
        path=seen.path[:300],
        status=seen.status,
        error=seen.error[:100],
        started_at=Now() - seen.duration,
        duration_ms=round(seen.duration / timedelta(milliseconds=1)),
    )
    with _harmless():
        call.save(force_insert=True)


@contextmanager
def _harmless() -> Iterator[None]:
    """Inside somebody's transaction a failed insert must not end it; outside, where gateways call, no savepoint is needed."""
    if connection.in_atomic_block:
        with transaction.atomic():
            yield
    else:
        yield
