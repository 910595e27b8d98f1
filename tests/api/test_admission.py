"""Back-pressure from the backlog."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models.functions import Now

from api.admission import admit_work
from api.errors import BacklogFull
from messaging.models import Delivery
from messaging.selectors import backlog, longest_wait
from tenants.registry.directory import TenantRef
from wildrydes.kernel.ids import new_id

pytestmark = pytest.mark.django_db


def waiting(tenant: TenantRef, count: int, *, since: timedelta) -> None:
    Delivery.objects.bulk_create(
        Delivery(
            tenant_id=tenant.id,
            message_id=new_id(),
            correlation_id=new_id(),
            topic="x",
            version=1,
            handler="x",
            queue_class="bookings",
            not_before=Now() - since,
            due_at=Now(),
        )
        for _ in range(count)
    )


def limited(tenant: TenantRef, limit: int) -> TenantRef:
    return replace(tenant, tier=replace(tenant.tier, max_backlog=limit))


def test_a_full_backlog_refuses_with_an_honest_retry_after(in_tenant: TenantRef, other_tenant: TenantRef) -> None:
    waiting(in_tenant, 3, since=timedelta(seconds=100))
    with pytest.raises(BacklogFull) as caught:
        admit_work(limited(in_tenant, 3))
    assert 10 <= caught.value.retry_after <= 11
    admit_work(limited(other_tenant, 3))


def test_what_is_delayed_is_not_backlog(in_tenant: TenantRef) -> None:
    waiting(in_tenant, 5, since=timedelta(seconds=-60))
    assert backlog(in_tenant.id, 10) == 0
    assert longest_wait(in_tenant.id) == timedelta(0)
    admit_work(limited(in_tenant, 1))


def test_counting_stops_at_the_limit(in_tenant: TenantRef) -> None:
    waiting(in_tenant, 9, since=timedelta(0))
    assert backlog(in_tenant.id, 4) == 4


def test_a_flood_is_counted_seldom(in_tenant: TenantRef, django_assert_num_queries: object) -> None:
    assert Delivery.objects.count() == 0
    with django_assert_num_queries(1):  # type: ignore[operator]
        for _ in range(20):
            admit_work(in_tenant)


def test_the_refusal_of_a_post(in_tenant: TenantRef) -> None:
    waiting(in_tenant, 1, since=timedelta(hours=1))
    with pytest.raises(BacklogFull) as caught, transaction.atomic():
        admit_work(limited(in_tenant, 1))
    assert caught.value.status == 429
    assert caught.value.retry_after == 60
