"""Hot statements: prepared where that is worth it, per schema, for a while; never in the way of a migration."""

import uuid

import pytest
from django.db import connection, transaction

from messaging import prepared
from messaging.consuming import deliver
from messaging.journal.models import Trace
from messaging.models import Delivery
from messaging.services import send
from tenants.registry.context import enter_tenant
from tests.messaging.sample import DoThing

HOPS = prepared.WORTH_IT + 6  # PostgreSQL plans five times with the values before it trusts a plan without them


@pytest.fixture(autouse=True)
def a_connection_of_its_own(committed):
    connection.close()
    yield
    connection.close()


def hop(tenant, count=1):
    done = []
    for _ in range(count):
        with enter_tenant(tenant), transaction.atomic():
            message_id = send(DoThing(thing_id=uuid.uuid4()))
        delivery_id = Delivery.objects.get(message_id=message_id).id
        assert deliver(delivery_id, tenant_id=tenant.id)
        done.append(delivery_id)
    return done


def on_the_server(pattern):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE %s ORDER BY name", [pattern]
        )
        return [row[0] for row in cursor.fetchall()]


CLAIM, FINISH, POST = (
    "%SET claim_id%",
    "%DELETE FROM public.messaging_delivery%",
    "%INSERT INTO public.messaging_delivery%",
)


@pytest.mark.parametrize("pattern", [CLAIM, FINISH, POST], ids=["claim", "finish", "post"])
def test_what_is_done_again_and_again_is_planned_once(recorder, tenant, pattern):
    hop(tenant, prepared.WORTH_IT - 1)
    assert on_the_server(pattern) == []
    hop(tenant, HOPS)
    [generic_plans] = on_the_server(pattern)
    assert generic_plans > 0


def test_each_schema_has_its_own_and_none_writes_into_another(recorder, tenant, other_tenant):
    done = {tenant: [], other_tenant: []}
    for _ in range(HOPS):
        for who in done:
            done[who] += hop(who)
    assert len(on_the_server(FINISH)) == 2
    for who, ids in done.items():
        with enter_tenant(who):
            assert Trace.objects.filter(id__in=ids).count() == HOPS
            assert Trace.objects.filter(id__in=done[other_tenant if who is tenant else tenant]).count() == 0


def test_a_plan_lives_for_a_while_only(recorder, tenant, monkeypatch):
    monkeypatch.setattr(prepared, "LIFE_SECONDS", 0.0)
    hop(tenant, HOPS)
    assert on_the_server("%") == []


def test_a_connection_prepares_so_many_and_does_the_rest_as_before(recorder, tenant, other_tenant, monkeypatch):
    monkeypatch.setattr(prepared, "KEPT", 2)
    hop(tenant, HOPS)
    hop(other_tenant, HOPS)
    assert len(on_the_server("%")) == 2


def test_a_column_that_has_changed_meanwhile_stops_nobody(recorder, tenant):
    hop(tenant, HOPS)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE public.messaging_delivery ALTER COLUMN topic TYPE varchar(90)")
    hop(tenant)


def test_a_handler_that_fails_takes_its_prepared_statements_with_it_and_the_next_goes_on(recorder, tenant):
    hop(tenant, HOPS)

    def fail(message):
        raise RuntimeError("no")

    recorder.do = fail
    with enter_tenant(tenant), transaction.atomic():
        message_id = send(DoThing(thing_id=uuid.uuid4()))
    delivery = Delivery.objects.get(message_id=message_id)
    assert deliver(delivery.id, tenant_id=tenant.id)
    assert Delivery.objects.get(id=delivery.id).attempts == 1
    recorder.do = None
    hop(tenant, HOPS)
