"""One conformance suite over all strategies."""

import pytest

from messaging.routing.registry import PLATFORM, STRATEGIES, queue_for, queues_of
from messaging.topology import QueueClass
from tenants.registry.models import RoutingStrategy

CLASSES = [str(queue_class) for queue_class in QueueClass]


@pytest.mark.parametrize("name", sorted(STRATEGIES))
@pytest.mark.parametrize("queue_class", CLASSES)
def test_a_tenants_queue_is_stable_and_served_by_some_worker(name, queue_class, tenant):
    strategy = STRATEGIES[name]
    queue = strategy.queue_for(tenant, queue_class)
    assert queue == strategy.queue_for(tenant, queue_class)
    assert queue.startswith(f"{queue_class}.")
    assert queue in set(queues_of(tenant.tier.code, CLASSES)) | set(queues_of(PLATFORM, CLASSES))


def test_every_strategy_that_staff_can_choose_exists():
    assert set(STRATEGIES) == set(RoutingStrategy.values)


def test_platform_messages_have_a_queue_of_their_own():
    assert queue_for(None, "control") == "control.platform"
    assert "control.platform" in queues_of(PLATFORM, ["control"])


def test_tiers_do_not_share_queues_by_default(tenant, other_tenant):
    assert queue_for(tenant, "bookings") != queue_for(other_tenant, "bookings")
