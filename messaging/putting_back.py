"""Putting a delivery back uncounted: nobody could work on it, and that was not its fault. Ever more slowly, and not for ever.

After a day in a row (`STRANDED_AFTER_SECONDS`) it is given up, so that somebody looks: a route that was removed with messages on
their way, a tenant that is never finished.
"""

import random
import time

import structlog
from django.db import Error, connection, transaction

from messaging import metrics
from messaging.claims import Claim, release
from messaging.deadletters.burying import bury, bury_without_schema
from messaging.errors import PutBack, StaleClaim, bounded
from messaging.messages import Envelope, Payload, handling
from messaging.metrics import PutBackReason
from messaging.models import DeadReason
from messaging.settings import lease_seconds
from messaging.topology import Route
from tenants.registry.context import enter_public

_log = structlog.get_logger(__name__)
# An unknown handler, an older schema, a tenant that is not ready: someone deploys, migrates or onboards.
LATER_SECONDS, LATEST_SECONDS = 5.0, 120.0
# A deadlock, a lock: over in a moment.
SOON_SECONDS = 0.2
# As often in a row is no coincidence: from then on it counts as an attempt.
COINCIDENCES = 20


def wait_for(put_backs: int, *, first: float = LATER_SECONDS, cap: float = LATEST_SECONDS) -> float:
    """Seconds until the next look at a row that was put back so often in a row; half of it is jitter."""
    ceiling = min(max(first, cap), first * 2.0 ** min(put_backs, 30))
    return ceiling * random.uniform(0.5, 1.0)  # noqa: S311  # jitter, not a secret


def put_back(claimed: Claim, reason: PutBackReason, why: str) -> None:
    """Put it back because its handler, its schema or its tenant is not there (yet); give it up after a day.

    Raises:
        StaleClaim: when someone else has the row.
    """
    with enter_public():
        if claimed.stranded:
            with transaction.atomic():
                bury_without_schema(claimed, DeadReason.STRANDED)
            return
        _log.info("delivery.put_back", reason=why, put_backs=claimed.put_backs + 1)
        release(claimed, delay=wait_for(claimed.put_backs), counted=False)
    _count(claimed, reason)


def put_back_as_asked(claimed: Claim, route: Route, envelope: Envelope[Payload], wish: PutBack) -> None:
    """Put it back because its handler asked for it; give it up after a day, with its outcome.

    Raises:
        StaleClaim: when someone else has the row.
    """
    if claimed.stranded:
        with transaction.atomic(), handling(envelope):
            bury(claimed, route, envelope, reason=DeadReason.STRANDED, error=None)
        return
    _log.info("delivery.put_back", reason=str(wish), put_backs=claimed.put_backs + 1)
    wait = wait_for(claimed.put_backs, first=wish.after, cap=8 * wish.after)
    with enter_public():
        release(claimed, delay=bounded(wait, wish), counted=False)
    _count(claimed, PutBackReason.ASKED)


def put_back_soon(claimed: Claim, error: BaseException) -> None:
    """Put it back after a deadlock or its like.

    Raises:
        StaleClaim: when someone else has the row.
    """
    _log.info("delivery.put_back", reason=type(error.__cause__ or error).__name__, put_backs=claimed.put_backs + 1)
    with enter_public():
        release(claimed, delay=wait_for(claimed.put_backs, first=SOON_SECONDS, cap=30.0), counted=False)
    _count(claimed, PutBackReason.DATABASE)


def give_back(claimed: Claim, error: BaseException) -> None:
    """The database went away under the work: put the row back when it answers again, else leave it to its lease.

    Nobody's attempt; but a message under which the database goes away time after time has something to do with it.
    """
    _log.warning("delivery.database_lost", error=type(error).__name__)
    counted = claimed.put_backs >= COINCIDENCES
    give_up = time.monotonic() + lease_seconds()
    while True:
        connection.close()
        try:
            with enter_public():
                release(claimed, delay=wait_for(claimed.put_backs, first=1.0, cap=30.0), counted=counted)
        except StaleClaim:
            # The commit went through although its answer was lost, or someone took over.
            _log.warning("delivery.claim_lost")
        except Error:
            if time.monotonic() < give_up:
                time.sleep(0.5)
                continue
            _log.warning("delivery.left_to_its_lease")
        else:
            _count(claimed, PutBackReason.DATABASE)
        return


def _count(claimed: Claim, reason: PutBackReason) -> None:
    metrics.count(metrics.PUT_BACKS, metrics.tier_of(claimed.tenant_id), claimed.queue_class, reason)
