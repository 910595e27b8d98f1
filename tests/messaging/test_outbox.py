import time
import uuid

import pytest
import redis
from celery import current_app
from django.conf import settings as django_settings
from django.db import transaction

from messaging import outbox
from messaging.services import publish, send
from tenants.registry.context import enter_tenant
from tests.messaging.sample import DoThing, ThingHappened
from wildrydes.kernel.redis_urls import client_url


@pytest.fixture
def broker():
    client = redis.Redis.from_url(client_url(django_settings.REDIS_URL))
    client.flushdb()
    outbox._breaker.__init__()
    outbox._local.__dict__.clear()
    outbox._later._waiting.clear()
    yield client
    outbox._later._waiting.clear()
    client.flushdb()
    outbox._local.__dict__.clear()


@pytest.fixture
def acme(committed, tenant, recorder):
    with enter_tenant(tenant):
        yield tenant


def queues(broker):
    return {key.decode(): broker.llen(key) for key in broker.keys("*.basic") if broker.type(key) == b"list"}


def test_a_commit_wakes_a_worker_for_each_delivery(acme, broker):
    with transaction.atomic():
        publish(ThingHappened(thing_id=uuid.uuid4()))
        send(DoThing(thing_id=uuid.uuid4()))
        assert queues(broker) == {}, "nothing leaves the process before the commit"
    assert queues(broker) == {"loyalty.basic": 1, "notifications.basic": 1, "bookings.basic": 1}


def test_a_message_carries_ids_only(acme, broker):
    with transaction.atomic():
        send(DoThing(thing_id=uuid.uuid4(), note="a rider's secret"))
    assert b"secret" not in broker.lindex("bookings.basic", 0)
    assert str(acme.id).encode() in broker.lindex("bookings.basic", 0), "the group, for a fair transport"


def test_all_of_a_transaction_is_sent_in_one_batch(acme, broker, monkeypatch):
    batches = []
    monkeypatch.setattr(outbox, "send_quickly", lambda wakeups: batches.append(len(wakeups)))
    with transaction.atomic():
        for _ in range(3):
            publish(ThingHappened(thing_id=uuid.uuid4()))
    assert batches == [6]


def test_what_a_savepoint_rolls_back_is_not_sent(acme, broker, monkeypatch):
    batches = []
    monkeypatch.setattr(outbox, "send_quickly", lambda wakeups: batches.append(len(wakeups)))
    with transaction.atomic():
        send(DoThing(thing_id=uuid.uuid4()))
        with pytest.raises(ValueError), transaction.atomic():
            send(DoThing(thing_id=uuid.uuid4()))
            raise ValueError
    assert batches == [1]


def test_a_broker_that_is_away_costs_little_and_then_nothing(acme, broker, monkeypatch):
    outbox._local.__dict__.clear()
    monkeypatch.setattr(current_app.conf, "broker_write_url", "redis://127.0.0.1:1/0")
    began = time.monotonic()
    with transaction.atomic():
        send(DoThing(thing_id=uuid.uuid4()))
    assert time.monotonic() - began < 0.5
    assert outbox._breaker.is_open
    began = time.monotonic()
    with transaction.atomic():
        send(DoThing(thing_id=uuid.uuid4()))
    assert time.monotonic() - began < 0.5


def test_a_broker_that_is_slow_for_a_moment_costs_a_moment_and_not_the_time_until_the_sweep(acme, broker):
    def too_slow(self, wakeups):
        raise TimeoutError

    outbox._local.sender = type("Slow", (), {"send": too_slow})()
    with transaction.atomic():
        send(DoThing(thing_id=uuid.uuid4()))
    with transaction.atomic():
        send(DoThing(thing_id=uuid.uuid4()))  # the breaker is open by now
    deadline = time.monotonic() + 5
    while queues(broker) != {"bookings.basic": 2} and time.monotonic() < deadline:
        time.sleep(0.01)
    assert queues(broker) == {"bookings.basic": 2}
