"""Reads that others need: how much waits."""

from datetime import timedelta
from uuid import UUID

from django.db.models import ExpressionWrapper, Min
from django.db.models.fields import DurationField
from django.db.models.functions import Now

from messaging.models import Delivery


def backlog(tenant_id: UUID, limit: int) -> int:
    """How many of the tenant's deliveries wait or are worked on, counted no further than `limit`. Delayed ones do not count."""
    due = Delivery.objects.filter(tenant_id=tenant_id, not_before__lte=Now())
    return due.order_by()[:limit].count()


def longest_wait(tenant_id: UUID) -> timedelta:
    """How long the oldest of them has been due."""
    due = Delivery.objects.filter(tenant_id=tenant_id, not_before__lte=Now())
    waited = ExpressionWrapper(Now() - Min("not_before"), output_field=DurationField())
    found: timedelta | None = due.order_by().aggregate(waited=waited)["waited"]
    return max(timedelta(0), found or timedelta(0))
