"""Dead letters: a delivery is given up, and its business outcome is committed in the same transaction.

A dead letter is not an outcome by itself: whoever was promised an answer gets one.
"""

import hashlib
import traceback
from pathlib import Path
from types import TracebackType

import structlog
from django.conf import settings
from django.db import connection

from messaging.claims import Claim, finish
from messaging.deadletters.settling import Death, open_again
from messaging.errors import StaleClaim
from messaging.journal.models import HandlerError, TraceOutcome
from messaging.messages import Envelope, Payload
from messaging.metrics import count_dead_after_commit
from messaging.models import DeadLetter, DeadReason
from messaging.topology import DeadCause, Route

_log = structlog.get_logger(__name__)

# How often the outcome itself may fail before the letter is buried without one.
OUTCOME_TRIES = 4


def fingerprint(*parts: str) -> str:
    """A short hash that is equal for letters with the same cause: handler, reason, error class and where it was raised."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def location(trace: TracebackType | None) -> str:
    """Where an error was raised: the innermost function of ours, and the innermost of all when that is a library's.

    Without line numbers, so that an unrelated edit does not split a cause in two.
    """
    frames = traceback.extract_tb(trace)
    if not frames:
        return ""
    ours = [f"{path}:{frame.name}" for frame in frames if (path := _our_path(frame.filename))]
    innermost = f"{Path(frames[-1].filename).name}:{frames[-1].name}"
    return f"{ours[-1]} {innermost}" if ours else innermost


def _our_path(filename: str) -> str:
    """The file's path below the project; empty for a library's, wherever that is installed."""
    root = f"{settings.BASE_DIR}/"
    return filename.removeprefix(root) if filename.startswith(root) and "site-packages" not in filename else ""


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
    name = _cause(claimed, reason, error)
    outcome_committed = False
    if route is not None and envelope is not None:
        if route.on_dead is not None:
            route.on_dead(
                envelope, DeadCause(reason=reason, error_class=name, detail=_storable(str(error or ""))[:500])
            )
        outcome_committed = True
    _write_letter(claimed, _death(claimed, reason, name, error, outcome_committed=outcome_committed))
    finish(claimed, outcome=TraceOutcome.DEAD)


def _cause(claimed: Claim, reason: DeadReason, error: BaseException | None) -> str:
    """The class of the error it died of; of the last attempt's when its attempts or its time were found to be used up."""
    if error is not None:
        return error_class(error)
    if reason is DeadReason.CRASHES or not claimed.attempts:
        return ""
    errors = HandlerError.objects.filter(delivery_id=claimed.id).order_by("-happened_at")
    return errors.values_list("error_class", flat=True).first() or ""


def _death(
    claimed: Claim, reason: DeadReason, name: str, error: BaseException | None, *, outcome_committed: bool
) -> Death:
    # A time to live may run out while a handler fails or while nobody looks: that is one cause, wherever it was noticed.
    where = location(error.__traceback__) if error and reason is not DeadReason.EXPIRED else ""
    return Death(
        reason=reason,
        error_class=name,
        fingerprint=fingerprint(claimed.handler, reason, name, where),
        attempts=claimed.attempts + (error is not None),  # the row counts those before the one that ended it
        crashes=claimed.crashes,
        outcome_committed=outcome_committed,
    )


def _write_letter(claimed: Claim, death: Death) -> None:
    """The letter itself: ids, states and the cause's class; nothing of the payload. A redriven one is the old one again."""
    if claimed.letter_id is None or not open_again(claimed.letter_id, claimed.id, death):
        DeadLetter.objects.create(
            id=claimed.id,
            tenant_id=claimed.tenant_id,
            message_id=claimed.message_id,
            correlation_id=claimed.correlation_id,
            topic=claimed.topic,
            version=claimed.version,
            handler=claimed.handler,
            queue_class=claimed.queue_class,
            accepted_at=claimed.created_at,
            **death.as_fields(),
        )
    count_dead_after_commit(claimed.tenant_id, claimed.queue_class, str(death.reason))
    _log.error(
        "delivery.dead_lettered",
        delivery=str(claimed.id),
        handler=claimed.handler,
        reason=str(death.reason),
        error=death.error_class,
        redriven=claimed.letter_id is not None,
    )


_BURY_UNKNOWN = "DELETE FROM messaging_delivery WHERE id = %s AND claim_id = %s"


def bury_without_tenant(claimed: Claim) -> None:
    """Bury a delivery whose tenant does not exist any more: there is no schema to write an outcome or a trace to."""
    bury_without_schema(claimed, DeadReason.REJECTED)


def bury_without_schema(claimed: Claim, reason: DeadReason) -> None:
    """Bury a delivery whose schema is not there or not ready: without an outcome, and without a trace.

    Raises:
        StaleClaim: when someone else has the row; the transaction must be rolled back.
    """
    _write_letter(claimed, _death(claimed, reason, "", None, outcome_committed=False))
    with connection.cursor() as cursor:
        cursor.execute(_BURY_UNKNOWN, [claimed.id, claimed.claim_id])
        if cursor.rowcount != 1:
            raise StaleClaim(f"The claim on {claimed.id} was lost.")
