"""What the product routes by: choices as rows, and what follows from them."""

import pytest
from django.db import IntegrityError, transaction

from audit.models import Entry
from audit.services import Actor
from messaging.routing import choices, queue_for, route, served_queues
from messaging.routing.models import RoutingChoice, RoutingState, StrategyName
from messaging.routing.services import Place, Wish, choose
from messaging.routing.strategies import ALL
from messaging.topology import QueueClass
from tenants.registry.directory import forget, tenant_by_host
from tenants.registry.models import Tenant
from wildrydes.kernel.errors import InvalidInput, NotFound

CLASSES = [str(queue_class) for queue_class in QueueClass]
ACTOR = Actor.system("a test")


def chosen(strategy, options=None, **place):
    choose(wish=Wish(place=Place(**place), strategy=strategy, options=options or {}), actor=ACTOR)
    choices.forget()


def test_every_strategy_can_be_chosen():
    assert set(StrategyName.values) == set(ALL)


@pytest.mark.parametrize("name", sorted(ALL))
@pytest.mark.parametrize("queue_class", ["bookings", "payments"])
def test_what_a_message_is_sent_to_is_consumed_by_workers_of_its_tier(name, queue_class, tenant):
    chosen(name, tier="basic")
    queue = queue_for(tenant, queue_class)
    assert queue in served_queues(["basic"], CLASSES)
    assert queue in served_queues(["premium"], CLASSES) or not ALL[name].mixes_tiers


def test_without_a_choice_tiers_have_queues_of_their_own(tenant, other_tenant):
    assert queue_for(tenant, "bookings") == "bookings.basic"
    assert queue_for(other_tenant, "bookings") == "bookings.premium"


def test_enterprise_begins_with_a_queue_for_each_tenant(other_tenant):
    Tenant.objects.filter(id=other_tenant.id).update(tier="enterprise")
    choices.forget()
    forget()
    globex = tenant_by_host("globex.localhost")
    assert queue_for(globex, "bookings") == "bookings.enterprise.own-globex"
    assert "bookings.enterprise.own-globex" in served_queues(["enterprise"], ["bookings"])


def test_platform_messages_have_a_queue_that_every_worker_serves(tenant):
    assert queue_for(None, "control") == "control.platform"
    for pools in (["basic"], ["premium"], ["platform"]):
        assert "control.platform" in served_queues(pools, ["control"])


def test_the_closer_choice_goes_first(tenant):
    chosen("cell", tier="basic")
    chosen("fair", tier="basic", queue_class="rfq")
    assert queue_for(tenant, "bookings").startswith("bookings.basic.cell-")
    assert queue_for(tenant, "rfq") == "rfq.fair"
    chosen("dedicated", tenant="acme")
    assert queue_for(tenant, "rfq") == "rfq.basic.own-acme"
    chosen("shared", tenant="acme", queue_class="rfq")
    assert queue_for(tenant, "rfq") == "rfq.shared"
    chosen("", tenant="acme", queue_class="rfq")
    chosen("", tenant="acme")
    assert queue_for(tenant, "rfq") == "rfq.fair"


def test_where_nobody_takes_turns_all_are_one_group(tenant):
    assert route(tenant, "bookings").group == str(tenant.id)
    chosen("shared", tier="basic")
    assert route(tenant, "bookings").group == "all"


def test_a_change_is_in_force_when_the_memory_is_old(tenant):
    assert queue_for(tenant, "bookings") == "bookings.basic"
    RoutingChoice.objects.create(tier_id="basic", strategy="fair")
    RoutingState.objects.update(generation=99)
    assert queue_for(tenant, "bookings") == "bookings.basic", "nobody asked yet"
    choices._memory.until = 0.0
    assert queue_for(tenant, "bookings") == "bookings.fair"


def test_what_is_remembered_costs_one_small_question(tenant, django_assert_num_queries):
    choices.reread()
    choices._memory.until = 0.0
    with django_assert_num_queries(1):
        queue_for(tenant, "bookings")
    with django_assert_num_queries(0):
        queue_for(tenant, "bookings")


def test_a_choice_that_this_version_does_not_understand_is_passed_over(tenant):
    RoutingChoice.objects.create(tier_id="basic", strategy="from_the_future")
    RoutingChoice.objects.create(tenant_id=tenant.id, strategy="cell", options={"cells": "many"})
    choices.changed()
    choices.forget()
    assert queue_for(tenant, "bookings") == "bookings.basic"


def test_the_shorter_shard_is_written_to_until_somebody_looks_again(tenant):
    chosen("shuffle", tier="basic", options={"queues": 8, "own": 2})
    first, second = queue_for(tenant, "rfq"), queue_for(tenant, "rfq")
    assert first != second
    assert {queue_for(tenant, "rfq") for _ in range(4)} == {first, second}


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        (Wish(place=Place(tier="gold"), strategy="fair"), NotFound),
        (Wish(place=Place(tenant="nobody"), strategy="fair"), NotFound),
        (Wish(place=Place(tenant="\x00'"), strategy="fair"), NotFound),
        (Wish(place=Place(), strategy="fair"), InvalidInput),
        (Wish(place=Place(tier="basic", tenant="acme"), strategy="fair"), InvalidInput),
        (Wish(place=Place(tier="basic", queue_class="x"), strategy="fair"), InvalidInput),
        (Wish(place=Place(tier="basic"), strategy="magic"), InvalidInput),
        (Wish(place=Place(tier="basic"), strategy="cell", options={"cells": 0}), InvalidInput),
        (Wish(place=Place(tier="basic"), strategy="fair", options={"cells": 3}), InvalidInput),
    ],
    ids=["tier", "tenant", "hostile", "nobody", "both", "class", "strategy", "bounds", "parameter"],
)
def test_what_cannot_be_in_force_is_refused(tenant, wish, error):
    before = RoutingChoice.objects.count()
    with pytest.raises(error):
        choose(wish=wish, actor=ACTOR)
    assert RoutingChoice.objects.count() == before


def test_a_choice_is_in_the_audit_trail(tenant):
    chosen("cell", tenant="acme", queue_class="rfq", options={"cells": 3})
    chosen("", tenant="acme", queue_class="rfq")
    first, second = Entry.objects.filter(action__startswith="routing.").order_by("happened_at", "id")
    assert (first.action, first.subject_id, first.tenant_id) == ("routing.chosen", str(tenant.id), tenant.id)
    assert first.details == {"queue_class": "rfq", "before": "none", "after": "cell cells=3 turns=1"}
    assert (second.action, second.details["before"]) == ("routing.taken_back", "cell cells=3 turns=1")


@pytest.mark.parametrize("both", [{}, {"tier_id": "basic", "with_tenant": True}], ids=["none", "both"])
def test_the_database_refuses_a_choice_of_nobody_and_of_two(tenant, both):
    given = {name: value for name, value in both.items() if name != "with_tenant"}
    if both:
        given["tenant_id"] = tenant.id
    with pytest.raises(IntegrityError), transaction.atomic():
        RoutingChoice.objects.create(strategy="fair", **given)
