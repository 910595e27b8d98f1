import base64
import json
import time
import uuid
from dataclasses import replace

import pytest
from celery import current_app
from django.db import transaction

from messaging import outbox
from messaging.services import publish, send
from tenants.registry.context import enter_tenant
from tests.messaging.conftest import both_transports
from tests.messaging.sample import DoThing, ThingHappened


@pytest.fixture
def acme(committed, tenant, recorder, wakeups):
    with enter_tenant(tenant):
        yield tenant


QUEUES = ("loyalty.basic", "notifications.basic", "bookings.basic")


def queues(wakeups):
    return {queue: count for queue in QUEUES if (count := wakeups.waiting(queue))}


@both_transports
def test_a_commit_wakes_a_worker_for_each_delivery(acme, wakeups):
    with transaction.atomic():
        publish(ThingHappened(thing_id=uuid.uuid4()))
        send(DoThing(thing_id=uuid.uuid4()))
        assert queues(wakeups) == {}, "nothing leaves the process before the commit"
    assert queues(wakeups) == {"loyalty.basic": 1, "notifications.basic": 1, "bookings.basic": 1}


@both_transports
def test_a_message_carries_ids_only(acme, wakeups):
    with transaction.atomic():
        send(DoThing(thing_id=uuid.uuid4(), note="a rider's secret"))
    [message] = wakeups.messages("bookings.basic")
    assert "secret" not in json.dumps(message) + base64.b64decode(message["body"]).decode()
    assert message["properties"]["MessageGroupId"] == str(acme.id)


def test_on_fairqueue_a_wakeup_that_waits_is_not_added_again(acme, wakeups):
    wakeup = outbox.Wakeup(uuid.uuid4(), 0, "bookings.basic", str(acme.id))
    for sent in (wakeup, wakeup, replace(wakeup, epoch=1), replace(wakeup, round=1)):
        outbox.send_quickly([sent])
    assert wakeups.waiting("bookings.basic") == 3, (
        "another epoch is another one, and so is one that was long not answered"
    )


def test_all_of_a_transaction_is_sent_in_one_batch(acme, wakeups, monkeypatch):
    batches = []
    monkeypatch.setattr(outbox, "send_quickly", lambda wakeups: batches.append(len(wakeups)))
    with transaction.atomic():
        for _ in range(3):
            publish(ThingHappened(thing_id=uuid.uuid4()))
    assert batches == [6]


def test_what_a_savepoint_rolls_back_is_not_sent(acme, wakeups, monkeypatch):
    batches = []
    monkeypatch.setattr(outbox, "send_quickly", lambda wakeups: batches.append(len(wakeups)))
    with transaction.atomic():
        send(DoThing(thing_id=uuid.uuid4()))
        with pytest.raises(ValueError), transaction.atomic():
            send(DoThing(thing_id=uuid.uuid4()))
            raise ValueError
    assert batches == [1]


def test_a_broker_that_is_away_costs_little_and_then_nothing(acme, wakeups):
    current_app.conf.broker_write_url = "fair+redis://127.0.0.1:1/0"  # the fixture sets it back
    began = time.monotonic()
    with transaction.atomic():
        send(DoThing(thing_id=uuid.uuid4()))
    assert time.monotonic() - began < 0.5
    assert outbox._breaker.is_open
    began = time.monotonic()
    with transaction.atomic():
        send(DoThing(thing_id=uuid.uuid4()))
    assert time.monotonic() - began < 0.5


def test_a_broker_that_is_slow_for_a_moment_costs_a_moment_and_not_the_time_until_the_sweep(acme, wakeups):
    def too_slow(self, wakeups):
        raise TimeoutError

    outbox._local.sender = type("Slow", (), {"send": too_slow})()
    with transaction.atomic():
        send(DoThing(thing_id=uuid.uuid4()))
    with transaction.atomic():
        send(DoThing(thing_id=uuid.uuid4()))  # the breaker is open by now
    deadline = time.monotonic() + 5
    while queues(wakeups) != {"bookings.basic": 2} and time.monotonic() < deadline:
        time.sleep(0.01)
    assert queues(wakeups) == {"bookings.basic": 2}
