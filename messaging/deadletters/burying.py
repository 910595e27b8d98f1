"""Dead letters: a delivery is given up, and its business outcome is committed in the same transaction.

A dead letter is not an outcome by itself: whoever was promised an answer gets one.
"""

import hashlib
import traceback
from types import TracebackType

import structlog
from django.db import connection

from messaging.claims import Claim, finish
from messaging.journal.models import HandlerError, TraceOutcome
from messaging.messages import Envelope, Payload
from messaging.models import DeadLetter, DeadReason
from messaging.topology import DeadCause, Route

_log = structlog.get_logger(__name__)

# How often the outcome itself may fail before the letter is buried without one.
OUTCOME_TRIES = 4


def fingerprint(*parts: str) -> str:
    """A short hash that is equal for letters with the same cause: handler, reason, error class and where it was raised."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def location(trace: TracebackType | None) -> str:
    """Where an error was raised, without line numbers, so that an unrelated edit does not split a cause in two."""
    frames = traceback.extract_tb(trace)
    return f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].name}" if frames else ""


def error_class(error: BaseException) -> str:
    """The full name of an error's class."""
    return f"{type(error).__module__}.{type(error).__qualname__}"[:200]


def record_error(claimed: Claim, error: BaseException) -> None:
    """Write the attempt's error to the entered schema, where the tenant's data may be."""
    HandlerError.objects.create(
        delivery_id=claimed.id,
        message_id=claimed.message_id,
        correlation_id=claimed.correlation_id,
        handler=claimed.handler,
        attempt=claimed.attempts + 1,
        error_class=error_class(error),
        text=_storable(str(error))[:10_000],
        traceback=_storable("".join(traceback.format_exception(error)))[-50_000:],
    )


def _storable(text: str) -> str:
    """PostgreSQL stores neither NUL nor lone surrogates."""
    return text.replace("\x00", "\\0").encode("utf-8", "backslashreplace").decode()


def bury(
    claimed: Claim,
    route: Route | None,
    envelope: Envelope[Payload] | None,
    *,
    reason: DeadReason,
    error: BaseException | None,
) -> None:
    """Commit outcome, dead letter, trace and the end of the delivery together; runs in the caller's transaction.

    Without an envelope (the message cannot be read any more) there is nobody to ask for the outcome, and the letter says so.
    """
    name = error_class(error) if error else ""
    outcome_committed = False
    if route is not None and envelope is not None:
        if route.on_dead is not None:
            route.on_dead(
                envelope, DeadCause(reason=reason, error_class=name, detail=_storable(str(error or ""))[:500])
            )
        outcome_committed = True
    write_letter(claimed, reason=reason, error=error, outcome_committed=outcome_committed)
    finish(claimed, outcome=TraceOutcome.DEAD)


def write_letter(claimed: Claim, *, reason: DeadReason, error: BaseException | None, outcome_committed: bool) -> None:
    """The letter itself: ids, states and the cause's class; nothing of the payload."""
    name = error_class(error) if error else ""
    DeadLetter.objects.create(
        id=claimed.id,
        tenant_id=claimed.tenant_id,
        message_id=claimed.message_id,
        correlation_id=claimed.correlation_id,
        topic=claimed.topic,
        version=claimed.version,
        handler=claimed.handler,
        queue_class=claimed.queue_class,
        reason=reason,
        error_class=name,
        fingerprint=fingerprint(claimed.handler, reason, name, location(error.__traceback__) if error else ""),
        attempts=claimed.attempts,
        crashes=claimed.crashes,
        outcome_committed=outcome_committed,
        accepted_at=claimed.created_at,
    )
    _log.error(
        "delivery.dead_lettered", delivery=str(claimed.id), handler=claimed.handler, reason=str(reason), error=name
    )


_BURY_UNKNOWN = "DELETE FROM messaging_delivery WHERE id = %s AND claim_id = %s"


def bury_without_tenant(claimed: Claim) -> None:
    """Bury a delivery whose tenant does not exist any more: there is no schema to write an outcome or a trace to."""
    write_letter(claimed, reason=DeadReason.REJECTED, error=None, outcome_committed=False)
    with connection.cursor() as cursor:
        cursor.execute(_BURY_UNKNOWN, [claimed.id, claimed.claim_id])
