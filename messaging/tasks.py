"""The Celery tasks, and there are two: a wake-up for one delivery, and a tick of the schedule. Celery retries nothing."""

from typing import Any
from uuid import UUID

import structlog
from celery import shared_task
from django.db import close_old_connections, connection

from messaging import metrics
from messaging.consuming import deliver
from messaging.outbox import DELIVER_TASK
from messaging.scheduling import JOB_TASK, jobs, tick

_log = structlog.get_logger(__name__)


@shared_task(name=DELIVER_TASK, acks_late=True, ignore_result=True, bind=True)
def deliver_task(self: Any, delivery_id: str, epoch: int) -> None:
    """Claim the delivery and run its handler; a second copy of the message finds nothing to claim.

    `epoch` is part of the message's identity for transports that drop duplicates; whether the row can be claimed, it knows.
    Acknowledged late, so that a tenant is charged the time its work took: docs/decisions/wake-ups-take-turns.md.
    """
    close_old_connections()
    # Whether the connection still works is found out by the claim, which waits for a database that is away.
    connection.health_check_done = True  # type: ignore[attr-defined]  # not in the stubs
    deliver(UUID(delivery_id), tenant_id=_tenant_of(self.request))


def _tenant_of(request: Any) -> UUID | None:
    """Whose turn the wake-up takes; see `outbox.Wakeup`."""
    try:
        return UUID((request.properties or {}).get("MessageGroupId", ""))
    except (AttributeError, TypeError, ValueError):
        return None


@shared_task(name=JOB_TASK, ignore_result=True)
def scheduled_job(name: str) -> None:
    """Run a scheduled job; one that a newer version declared is left to newer workers, and the next tick."""
    close_old_connections()
    if name not in jobs():
        _log.warning("job.unknown", job=name)
        return
    try:
        ran = tick(name)
    except Exception:  # noqa: BLE001  # one failing job must be loud and must not take the worker with it
        _log.exception("job.failed", job=name)
        metrics.count(metrics.JOBS, name, "failed")
    else:
        metrics.count(metrics.JOBS, name, "done" if ran else "running_already")
