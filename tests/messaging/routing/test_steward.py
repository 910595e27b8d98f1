"""The list of served queues, kept in line with what is in force."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from audit.services import Actor
from messaging.outbox import Wakeup, WakeupSender
from messaging.routing import choices
from messaging.routing.models import ServedQueue
from messaging.routing.services import Place, Wish, choose
from messaging.routing.steward import Steward
from messaging.topology import QueueClass
from tenants.registry.models import Tenant
from wildrydes.kernel.ids import new_id

ACTOR = Actor.system("a test")


@pytest.fixture
def steward(tenant, wakeups):
    return Steward()


def names(**where):
    return set(ServedQueue.objects.filter(**where).values_list("name", flat=True))


def chosen(strategy, options=None, **place):
    choose(wish=Wish(place=Place(**place), strategy=strategy, options=options or {}), actor=ACTOR)
    choices.forget()


def test_it_lists_what_is_in_force(steward):
    steward.step()
    expected = {f"{each}.{pool}" for each in QueueClass for pool in ("basic", "premium", "enterprise", "platform")}
    assert names() >= expected
    assert not names(retiring_since__isnull=False)


def test_an_old_queue_retires_and_goes_when_it_is_empty_and_its_time_is_over(steward, tenant, wakeups):
    chosen("cell", {"cells": 2}, tier="basic", queue_class="rfq")
    steward.step()
    cells = {"rfq.basic.cell-0", "rfq.basic.cell-1"}
    assert cells <= names(retiring_since__isnull=True)
    chosen("", tier="basic", queue_class="rfq")
    assert not steward.step().gone
    assert names(retiring_since__isnull=False) == cells
    WakeupSender(5.0).send([Wakeup(new_id(), 0, "rfq.basic.cell-1", str(tenant.id))])
    ServedQueue.objects.filter(name__in=cells).update(retiring_since=Now() - timedelta(minutes=1))
    assert steward.step().gone == {"rfq.basic.cell-0"}
    assert names(retiring_since__isnull=False) == {"rfq.basic.cell-1"}
    wakeups.client.flushdb()
    assert steward.step().gone == {"rfq.basic.cell-1"}


def test_what_is_in_force_again_is_in_use_again(steward):
    chosen("fair", tier="basic", queue_class="rfq")
    steward.step()
    chosen("", tier="basic", queue_class="rfq")
    steward.step()
    assert names(retiring_since__isnull=False) == {"rfq.fair"}
    chosen("fair", tier="basic", queue_class="rfq")
    steward.step()
    assert not names(retiring_since__isnull=False)


def test_a_tenant_that_changes_its_tier_leaves_its_old_queue(steward, tenant):
    chosen("dedicated", tenant="acme", queue_class="rfq")
    steward.step()
    Tenant.objects.filter(id=tenant.id).update(tier="premium")
    choices.forget()
    steward.step()
    assert "rfq.premium.own-acme" in names(retiring_since__isnull=True)
    assert "rfq.basic.own-acme" in names(retiring_since__isnull=False)


def test_producers_learn_the_shards_depths(steward, tenant, wakeups):
    chosen("shuffle", {"queues": 3}, tier="basic", queue_class="rfq")
    WakeupSender(5.0).send([Wakeup(new_id(), 0, "rfq.basic.shard-1", str(tenant.id)) for _ in range(3)])
    steward.step()
    assert ServedQueue.objects.get(name="rfq.basic.shard-1").depth == 3
    choices.reread()
    assert choices.seen_by(tenant.id, "rfq").depths["rfq.basic.shard-1"] == 3


def test_a_step_that_changes_nothing_writes_nothing(steward, django_assert_max_num_queries):
    steward.step()
    before = list(ServedQueue.objects.order_by("name").values())
    with django_assert_max_num_queries(14) as captured:
        steward.step()
    assert not [query for query in captured if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert list(ServedQueue.objects.order_by("name").values()) == before


def test_only_one_is_at_work(committed, tenant, wakeups):
    import psycopg
    from django.conf import settings as django_settings

    given = django_settings.DATABASES["default"]
    with psycopg.connect(
        host=given["HOST"], port=given["PORT"] or None, dbname=connection.settings_dict["NAME"], user=given["USER"],
        password=given["PASSWORD"] or None,
    ) as other:  # fmt: skip
        other.execute("SELECT pg_advisory_xact_lock(%s)", [0x726F757465])
        assert Steward().step() is None
        other.rollback()
    assert Steward().step() is not None
