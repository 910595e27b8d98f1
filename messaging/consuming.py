"""Consuming: claim a delivery, enter its tenant's schema, run its handler, settle the row.

There are two shapes of handler (see `messaging.topology`) and one retry engine: everything about attempts, delays, leases and
dead letters is decided here and kept in the row.
"""

from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

import structlog
from django.db import Error, transaction

from messaging import metrics
from messaging.claims import Claim, have_sent_soon, is_suspect, release
from messaging.deadletters.burying import OUTCOME_TRIES, bury, bury_without_tenant, record_error
from messaging.envelopes import envelope_of
from messaging.errors import PutBack, Reject, Retry, StaleClaim, bounded
from messaging.faults import is_bad_moment, is_database_away, is_older_schema
from messaging.heartbeat import heart
from messaging.isolation import PATIENCE_SECONDS, ward
from messaging.messages import Envelope, handling
from messaging.metrics import PutBackReason
from messaging.models import DeadReason
from messaging.putting_back import COINCIDENCES, give_back, put_back, put_back_as_asked, put_back_soon
from messaging.routing import measures
from messaging.shapes import run
from messaging.taking import Taken, patiently, take
from messaging.topology import Route, Scope, get_topology
from messaging.wording import story_of, tenant_if_known
from tenants.registry.context import enter_public, enter_tenant
from tenants.registry.directory import TenantRef, forget, tenant_by_id
from wildrydes.kernel.telemetry import Counter

_log = structlog.get_logger(__name__)


def deliver(delivery_id: UUID, *, tenant_id: UUID | None = None) -> bool:
    """Work on the delivery if it can be claimed; answers whether it could. Raises nothing that a handler raises.

    `tenant_id` is whose it is according to the wake-up: a hint that saves statements. The row decides.

    Raises:
        Error: the database was away for as long as a lease; the sweeper will send again.
    """
    with _hinted(tenant_id):
        with ward.enter() as place:
            taken = take(delivery_id, suspects=place.alone)
            if taken is not None:
                if not taken.claim.crashes:
                    place.share()
                _work(taken)
                return True
            # Beside others nobody takes a suspect.
            if place.alone or not patiently(lambda: is_suspect(delivery_id)):
                return False
        with ward.enter_alone() as quiet:
            if quiet is None:
                patiently(lambda: have_sent_soon(delivery_id, delay=PATIENCE_SECONDS))
                return False
            taken = take(delivery_id, suspects=True)
            if taken is not None:
                _work(taken)
        return taken is not None


def _hinted(tenant_id: UUID | None) -> AbstractContextManager[Any]:
    tenant = None if tenant_id is None else tenant_if_known(tenant_id)
    return enter_public() if tenant is None or not tenant.is_working else enter_tenant(tenant)


def _work(taken: Taken) -> None:
    claimed = taken.claim
    with structlog.contextvars.bound_contextvars(
        delivery=str(claimed.id), handler=claimed.handler, **story_of(claimed.tenant_id, claimed.correlation_id)
    ):
        try:
            with metrics.processing(claimed.tenant_id, claimed.queue_class) as since:
                _work_on(taken)
            measures.handled(claimed.tenant_id, claimed.queue_class, since())
        except StaleClaim:
            _log.warning("delivery.claim_lost")
            _count(metrics.LEASES_LOST, claimed)
        except Error as error:
            if not (is_database_away(error) or is_bad_moment(error)):
                raise  # A mistake of this engine's own: the lease ends, and the crash counts.
            give_back(claimed, error)


def _count(metric: Counter, claimed: Claim, *more: str) -> None:
    metrics.count(metric, metrics.tier_of(claimed.tenant_id), claimed.queue_class, *more)


def _work_on(taken: Taken) -> None:
    claimed = taken.claim
    route = get_topology().route(claimed.handler)
    if route is None or claimed.version > route.message.version:
        # A newer version of the code sent it; a newer worker will know it.
        put_back(claimed, PutBackReason.NEWER_CODE, "unknown handler")
    elif route.scope is Scope.PLATFORM:
        with enter_public():
            _handle(taken, route, None)
    else:
        _work_for_tenant(taken, route)


def _work_for_tenant(taken: Taken, route: Route) -> None:
    claimed = taken.claim
    tenant = tenant_by_id(claimed.tenant_id) if claimed.tenant_id else None
    if tenant is None or not tenant.is_working:
        # The directory may remember what was so a moment ago.
        forget()
        tenant = tenant_by_id(claimed.tenant_id) if claimed.tenant_id else None
    if tenant is None:
        with enter_public(), transaction.atomic():
            bury_without_tenant(claimed)
    elif not tenant.is_working:
        put_back(claimed, PutBackReason.TENANT, "tenant is not ready")
    else:
        with enter_tenant(tenant):
            _handle(taken, route, tenant)


def _handle(taken: Taken, route: Route, tenant: TenantRef | None) -> None:
    claimed = taken.claim
    envelope: Envelope[Any] | None = None
    try:
        envelope = envelope_of(taken.written(), claimed, route, tenant)
        spent = _spent(claimed, route)
        if spent is not None:
            _bury_spent(claimed, route, envelope, spent)
            return
        with heart.keeping(claimed, time_limit=route.time_limit), handling(envelope):
            run(claimed, route, envelope)
    except StaleClaim:
        raise
    except PutBack as wish:
        assert envelope is not None  # noqa: S101  # only a handler asks
        put_back_as_asked(claimed, route, envelope, wish)
    except Exception as error:
        if is_older_schema(error):
            put_back(claimed, PutBackReason.SCHEMA, "schema is older than the code")
        elif is_database_away(error):
            raise  # Nobody's attempt.
        elif is_bad_moment(error) and claimed.put_backs < COINCIDENCES:
            put_back_soon(claimed, error)
        else:
            _failed(claimed, route, envelope, error)


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
    try:
        with transaction.atomic(), handling(envelope):
            bury(claimed, route, None if outcome_kills else envelope, reason=reason, error=None)
    except StaleClaim:
        raise
    except Exception as outcome_error:
        if is_database_away(outcome_error) or is_bad_moment(outcome_error):
            raise
        _log.exception("delivery.outcome_failed")
        _outcome_failed(claimed, route, reason, outcome_error)


def _failed(claimed: Claim, route: Route, envelope: Envelope[Any] | None, error: Exception) -> None:
    """Record the attempt, then try again later or give up."""
    attempt = claimed.attempts + 1
    measures.failed(claimed.tenant_id, claimed.queue_class)
    _log.warning("delivery.failed", attempt=attempt, error=type(error).__name__)
    reason = _reason_to_stop(claimed, route, error)
    if reason is not None:
        try:
            with transaction.atomic():
                record_error(claimed, error)
                _bury_handled(claimed, route, envelope, reason, error)
        except StaleClaim:
            raise
        except Exception as outcome_error:  # the outcome is our code too; it gets tries of its own
            if is_database_away(outcome_error) or is_bad_moment(outcome_error):
                raise
            _log.exception("delivery.outcome_failed")
            _outcome_failed(claimed, route, reason, outcome_error)
        return
    wait = route.retry.delay(attempt)
    if isinstance(error, Retry) and error.after is not None:
        wait = max(wait, error.after)
    with transaction.atomic():
        record_error(claimed, error)
        release(claimed, delay=bounded(wait, error), counted=True)
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
    attempts = claimed.attempts + 1
    if reason is not DeadReason.REJECTED:
        attempts = max(attempts, route.retry.attempts)  # the handler has had its share, only the outcome is tried again
    with transaction.atomic():
        record_error(claimed, error)
        if attempts >= route.retry.attempts + OUTCOME_TRIES:
            bury(claimed, route, None, reason=reason, error=error)
        else:
            release(claimed, delay=route.retry.delay(min(attempts, 8)), counted=True, attempts=attempts)
