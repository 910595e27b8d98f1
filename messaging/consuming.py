"""Consuming: claim a delivery, enter its tenant's schema, run its handler, settle the row.

There are two shapes of handler (see `messaging.topology`) and one retry engine: everything about attempts, delays, leases and
dead letters is decided here and kept in the row.
"""

from typing import Any
from uuid import UUID

import msgspec
import psycopg.errors
import structlog
from django.db import InterfaceError, OperationalError, ProgrammingError, connection, transaction

from messaging import metrics
from messaging.claims import Claim, claim, release
from messaging.deadletters.burying import OUTCOME_TRIES, bury, bury_without_tenant, record_error
from messaging.errors import PutBack, Reject, Retry, StaleClaim
from messaging.heartbeat import heart
from messaging.journal.models import Message
from messaging.messages import Envelope, from_payload, handling
from messaging.metrics import PutBackReason
from messaging.models import DeadReason
from messaging.shapes import run
from messaging.topology import Route, Scope, get_topology
from messaging.wording import story_of
from tenants.registry.context import enter_public, enter_tenant
from tenants.registry.directory import TenantRef, forget, tenant_by_id
from wildrydes.kernel.telemetry import Counter

_log = structlog.get_logger(__name__)
# The code is newer than the tenant's schema: the migration is under way.
_OLDER_SCHEMA = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)
_LATER = 5.0


class Unreadable(Reject):
    """The journal's message is gone, or its payload does not fit the shape this version of the code expects."""


def deliver(delivery_id: UUID) -> bool:
    """Work on the delivery if it can be claimed; answers whether it could. Raises nothing that a handler raises."""
    with enter_public():
        claimed = claim(delivery_id)
    if claimed is None:
        return False
    with structlog.contextvars.bound_contextvars(
        delivery=str(claimed.id), handler=claimed.handler, **story_of(claimed.tenant_id, claimed.correlation_id)
    ):
        try:
            with metrics.processing(claimed.tenant_id, claimed.queue_class):
                _work_on(claimed)
        except StaleClaim:
            _log.warning("delivery.claim_lost")
            _count(metrics.LEASES_LOST, claimed)
        except (OperationalError, InterfaceError) as error:
            _give_back(claimed, error)
    return True


def _count(metric: Counter, claimed: Claim, *more: str) -> None:
    metrics.count(metric, metrics.tier_of(claimed.tenant_id), claimed.queue_class, *more)


def _work_on(claimed: Claim) -> None:
    route = get_topology().route(claimed.handler)
    if route is None or claimed.version > route.message.version:
        # A newer version of the code sent it; a newer worker will know it.
        _put_back(claimed, PutBackReason.NEWER_CODE, "unknown handler")
    elif route.scope is Scope.PLATFORM:
        with enter_public():
            _handle(claimed, route, None)
    else:
        _work_for_tenant(claimed, route)


def _work_for_tenant(claimed: Claim, route: Route) -> None:
    tenant = tenant_by_id(claimed.tenant_id) if claimed.tenant_id else None
    if tenant is None or not tenant.is_working:
        # The directory may remember what was so a moment ago.
        forget()
        tenant = tenant_by_id(claimed.tenant_id) if claimed.tenant_id else None
    if tenant is None:
        with enter_public(), transaction.atomic():
            bury_without_tenant(claimed)
    elif not tenant.is_working:
        _put_back(claimed, PutBackReason.TENANT, "tenant is not ready")
    else:
        with enter_tenant(tenant):
            _handle(claimed, route, tenant)


def _handle(claimed: Claim, route: Route, tenant: TenantRef | None) -> None:
    envelope: Envelope[Any] | None = None
    try:
        envelope = _open(claimed, route, tenant)
        spent = _spent(claimed, route)
        if spent is not None:
            _bury_spent(claimed, route, envelope, spent)
            return
        with heart.keeping(claimed, time_limit=route.time_limit), handling(envelope):
            run(claimed, route, envelope)
    except (StaleClaim, InterfaceError):
        raise
    except PutBack as wish:
        _put_back(claimed, PutBackReason.ASKED, str(wish), wish.after)
    except Exception as error:
        if isinstance(error, ProgrammingError) and isinstance(error.__cause__, _OLDER_SCHEMA):
            _put_back(claimed, PutBackReason.SCHEMA, "schema is older than the code")
        elif connection.connection is None or connection.connection.closed:
            raise  # The database went away, which is nobody's attempt.
        else:
            _failed(claimed, route, envelope, error)


def _open(claimed: Claim, route: Route, tenant: TenantRef | None) -> Envelope[Any]:
    message = Message.objects.filter(id=claimed.message_id).first()
    if message is None:
        raise Unreadable(f"Message {claimed.message_id} is not in the journal.")
    try:
        body = from_payload(message.payload, route.message)
    except msgspec.ValidationError as error:
        raise Unreadable(f"The payload does not fit {route.message.__name__}: {error}") from error
    return Envelope(
        id=message.id,
        body=body,
        correlation_id=message.correlation_id,
        causation_id=message.causation_id,
        occurred_at=message.occurred_at,
        delivery_id=claimed.id,
        attempt=claimed.attempts + 1,
        tenant=tenant,
    )


def _spent(claimed: Claim, route: Route) -> DeadReason | None:
    """Whether the message has used up what it had before this claim."""
    if claimed.crashes >= route.retry.crashes:
        return DeadReason.CRASHES
    if claimed.attempts >= route.retry.attempts:
        return DeadReason.ATTEMPTS
    return DeadReason.EXPIRED if claimed.expired else None


def _bury_spent(claimed: Claim, route: Route, envelope: Envelope[Any], reason: DeadReason) -> None:
    # An outcome that kills its worker too is not tried for ever.
    outcome_kills = claimed.crashes >= route.retry.crashes + OUTCOME_TRIES
    with transaction.atomic(), handling(envelope):
        bury(claimed, route, None if outcome_kills else envelope, reason=reason, error=None)


def _failed(claimed: Claim, route: Route, envelope: Envelope[Any] | None, error: Exception) -> None:
    """Record the attempt, then try again later or give up."""
    attempt = claimed.attempts + 1
    _log.warning("delivery.failed", attempt=attempt, error=type(error).__name__)
    reason = _reason_to_stop(claimed, route, error)
    if reason is not None:
        try:
            with transaction.atomic():
                record_error(claimed, error)
                _bury_handled(claimed, route, envelope, reason, error)
        except (StaleClaim, OperationalError, InterfaceError):
            raise
        except Exception as outcome_error:  # noqa: BLE001  # the outcome is our code too; it gets tries of its own
            _log.exception("delivery.outcome_failed")
            _outcome_failed(claimed, route, reason, outcome_error)
        return
    wait = route.retry.delay(attempt)
    if isinstance(error, Retry) and error.after is not None:
        wait = max(wait, error.after)
    with transaction.atomic():
        record_error(claimed, error)
        release(claimed, delay=wait, counted=True)
    _count(metrics.RETRIES, claimed)


def _reason_to_stop(claimed: Claim, route: Route, error: Exception) -> DeadReason | None:
    if isinstance(error, Reject):
        return DeadReason.REJECTED
    if claimed.attempts + 1 >= route.retry.attempts:
        return DeadReason.ATTEMPTS
    return DeadReason.EXPIRED if claimed.expired else None


def _bury_handled(
    claimed: Claim, route: Route, envelope: Envelope[Any] | None, reason: DeadReason, error: Exception
) -> None:
    if envelope is None:
        bury(claimed, route, None, reason=reason, error=error)
    else:
        with handling(envelope):
            bury(claimed, route, envelope, reason=reason, error=error)


def _outcome_failed(claimed: Claim, route: Route, reason: DeadReason, error: Exception) -> None:
    """Try the outcome again a few times; then bury the letter without one, which is shown first in the console."""
    last_try = claimed.attempts + 1 >= route.retry.attempts + OUTCOME_TRIES
    with transaction.atomic():
        record_error(claimed, error)
        if last_try:
            bury(claimed, route, None, reason=reason, error=error)
        else:
            release(claimed, delay=route.retry.delay(min(claimed.attempts + 1, 8)), counted=True)


def _put_back(claimed: Claim, reason: PutBackReason, why: str, after: float = _LATER) -> None:
    _log.info("delivery.put_back", reason=why)
    with enter_public():
        release(claimed, delay=after, counted=False)
    _count(metrics.PUT_BACKS, claimed, reason)


def _give_back(claimed: Claim, error: Exception) -> None:
    """The database went away under the handler: try once to put the row back uncounted; else its lease runs out."""
    _log.warning("delivery.database_lost", error=type(error).__name__)
    connection.close()
    try:
        with enter_public():
            release(claimed, delay=1.0, counted=False)
        _count(metrics.PUT_BACKS, claimed, PutBackReason.DATABASE)
    except (StaleClaim, OperationalError, InterfaceError):
        _log.warning("delivery.left_to_its_lease")
