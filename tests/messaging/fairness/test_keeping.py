"""The broker's limits are those of tiers and tenants, whatever happened to the broker."""

import pytest
from django.db.models.functions import Now

from audit.services import Actor
from fairqueue import FairQueue, Limits
from messaging.fairness.keeping import LimitsKeeper
from messaging.routing.choices import forget as forget_routing
from messaging.routing.models import ServedQueue
from messaging.routing.services import Place, Wish, choose
from messaging.topology import QueueClass
from tenants.registry.models import Tenant, Tier

ACTOR = Actor.system("a test")


@pytest.fixture
def keeper(db, wakeups):
    return LimitsKeeper(wakeups.client)


def limits(wakeups, queue):
    return FairQueue(queue, wakeups.client).all_limits()


def test_without_limits_there_is_nothing_to_tell(keeper, wakeups, tenant):
    assert keeper.keep() == 0
    assert not wakeups.client.keys("fairqueue:*")


def test_a_tiers_cap_holds_in_each_of_its_queues_and_in_no_other(keeper, wakeups, tenant):
    Tier.objects.filter(code="basic").update(max_in_work=3)
    assert keeper.keep() == len(QueueClass)
    assert {limits(wakeups, f"{each}.basic").each for each in QueueClass} == {3}
    assert limits(wakeups, "bookings.premium").each is None
    Tier.objects.filter(code="basic").update(max_in_work=None)
    keeper.keep(at_once=True)
    assert limits(wakeups, "bookings.basic").each is None


def test_where_tiers_meet_each_tenant_has_its_tiers_share_and_cap(keeper, wakeups, tenant, other_tenant):
    Tier.objects.filter(code="basic").update(max_in_work=3)
    Tier.objects.filter(code="premium").update(worker_share=4.0)
    for each in (tenant, other_tenant):
        choose(wish=Wish(place=Place(tenant=each.slug), strategy="fair"), actor=ACTOR)
    forget_routing()
    keeper.keep()
    assert limits(wakeups, "bookings.fair").groups == {
        str(tenant.id): Limits(cap=3),
        str(other_tenant.id): Limits(weight=4.0),
    }
    assert limits(wakeups, "bookings.premium").groups == {}, "among equals a share means nothing"


def test_a_tenant_that_changes_its_tier_or_its_routing_changes_its_limits(keeper, wakeups, tenant):
    Tier.objects.filter(code="premium").update(worker_share=4.0)
    Tenant.objects.filter(id=tenant.id).update(tier="premium")
    choose(wish=Wish(place=Place(tenant=tenant.slug), strategy="fair"), actor=ACTOR)
    forget_routing()
    keeper.keep()
    assert limits(wakeups, "bookings.fair").groups == {str(tenant.id): Limits(weight=4.0)}
    Tenant.objects.filter(id=tenant.id).update(tier="basic")
    keeper.keep(at_once=True)
    assert limits(wakeups, "bookings.fair").groups == {}


def test_a_paused_tenant_is_paused_wherever_its_messages_may_be(keeper, wakeups, tenant):
    ServedQueue.objects.create(
        name="bookings.premium.own-acme", queue_class="bookings", pool="premium", retiring_since=Now()
    )
    Tenant.objects.filter(id=tenant.id).update(processing_paused_at=Now())
    keeper.keep()
    for queue in ("bookings.basic", "payments.basic", "bookings.premium.own-acme"):
        assert limits(wakeups, queue).groups == {str(tenant.id): Limits(paused=True)}
    Tenant.objects.filter(id=tenant.id).update(processing_paused_at=None)
    keeper.keep(at_once=True)
    assert limits(wakeups, "bookings.basic").groups == {}


def test_limits_outlive_whatever_redis_loses(keeper, wakeups, tenant):
    Tier.objects.filter(code="basic").update(max_in_work=3)
    keeper.keep()
    wakeups.client.flushdb()
    assert keeper.keep(at_once=True) == len(QueueClass)
    wakeups.client.delete("fairqueue:bookings.basic:config")
    assert keeper.keep(at_once=True) == 0, "nothing seems to have changed"
    keeper._compare_at = 0.0
    assert keeper.keep(at_once=True) == 1, "once a minute each is compared"
    FairQueue("bookings.basic", wakeups.client).set_caps(each=99)
    keeper._compare_at = 0.0
    keeper.keep(at_once=True)
    assert limits(wakeups, "bookings.basic").each == 3, "what was set by hand does not stay"


def test_a_look_that_finds_nothing_new_is_three_questions(keeper, wakeups, tenant, django_assert_num_queries):
    keeper.keep()
    with django_assert_num_queries(2):
        keeper.keep(at_once=True)


@pytest.mark.parametrize("wakeups", ["redis"], indirect=True)
def test_the_stock_transport_has_no_limits(keeper, wakeups, tenant):
    Tier.objects.filter(code="basic").update(max_in_work=3)
    assert keeper.keep() == 0
