"""The one Celery task: a wake-up for one delivery. Celery retries nothing; the row knows."""

from uuid import UUID

from celery import shared_task
from django.db import close_old_connections

from messaging.consuming import deliver
from messaging.outbox import DELIVER_TASK


@shared_task(name=DELIVER_TASK, acks_late=True, ignore_result=True)
def deliver_task(delivery_id: str, epoch: int) -> None:
    """Claim the delivery and run its handler; a second copy of the message finds nothing to claim."""
    close_old_connections()
    deliver(UUID(delivery_id), epoch)
