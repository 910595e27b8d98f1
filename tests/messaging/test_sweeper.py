import uuid

import pytest
import redis
from django.conf import settings as django_settings
from django.db import connection

from messaging import claims
from messaging.consuming import deliver
from messaging.models import Delivery
from messaging.sweeper import Sweeper
from tests.messaging.conftest import end_lease, make_due
from wildrydes.kernel.redis_urls import client_url

QUEUE = "bookings.basic"


@pytest.fixture
def broker():
    client = redis.Redis.from_url(client_url(django_settings.REDIS_URL))
    client.flushdb()
    yield client
    client.flushdb()


@pytest.fixture
def sweeper(broker, recorder, db):
    sweeping = Sweeper()
    sweeping.pass_once()  # has seen this life of the broker
    return sweeping


def waiting(broker):
    return broker.llen(QUEUE)


def test_what_has_not_started_is_sent_again_with_back_off(sweeper, broker, posted):
    delivery = posted()
    assert sweeper.pass_once() == 0, "the fast path has its ten seconds first"
    seconds = []
    for _ in range(4):
        make_due(delivery)
        assert sweeper.pass_once() == 1
        assert sweeper.pass_once() == 0
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT round(extract(epoch FROM due_at - clock_timestamp())) FROM messaging_delivery WHERE id = %s",
                [delivery.id],
            )
            seconds.append(int(cursor.fetchone()[0]))
    assert seconds == [10, 20, 40, 80]
    assert waiting(broker) == 4
    for _ in range(4):
        deliver(delivery.id)
    assert not Delivery.objects.filter(id=delivery.id).exists()


def test_copies_find_nothing_to_claim(sweeper, posted, recorder):
    delivery = posted()
    make_due(delivery)
    sweeper.pass_once()
    assert [deliver(delivery.id) for _ in range(3)] == [True, False, False]
    assert len(recorder.seen) == 1


def test_a_held_row_is_left_alone_until_its_lease_ends(sweeper, broker, posted):
    delivery = posted()
    claims.claim(delivery.id)
    make_due(delivery)
    assert sweeper.pass_once() == 0
    row = Delivery.objects.get(id=delivery.id)
    assert row.claim_id is not None
    assert row.due_at > row.lease_until


def test_an_abandoned_row_is_taken_over(sweeper, broker, posted):
    delivery = posted()
    claims.claim(delivery.id)
    end_lease(delivery)
    assert sweeper.pass_once() == 1
    row = Delivery.objects.get(id=delivery.id)
    assert (row.claim_id, row.crashes, row.epoch) == (None, 1, 1)
    assert waiting(broker) == 1


def test_a_broker_that_lost_everything_is_noticed(sweeper, broker, posted):
    for _ in range(3):
        posted()
    broker.flushdb()
    sweeper._watch._next = 0.0
    assert sweeper.pass_once() == 3
    assert waiting(broker) == 3
    sweeper._watch._next = 0.0
    assert sweeper.pass_once() == 0, "once for each life of the broker"


def test_a_broker_that_is_away_leaves_the_rows_due(broker, posted, recorder, monkeypatch):
    delivery = posted()
    sweeper = Sweeper()
    sweeper.pass_once()
    make_due(delivery)

    class Away(Exception):
        pass

    def gone(_):
        raise Away

    with monkeypatch.context() as patched:
        patched.setattr(sweeper._sender, "send", gone)
        with pytest.raises(Away):
            sweeper.pass_once()
    assert sweeper.pass_once() == 1


def test_more_than_a_batch_is_sent_in_one_pass(sweeper, broker, posted, monkeypatch):
    monkeypatch.setattr("messaging.sweeper.BATCH", 5)
    deliveries = [posted() for _ in range(12)]
    for delivery in deliveries:
        make_due(delivery)
    assert sweeper.pass_once() == 12


def test_a_delivery_of_an_unknown_tenant_is_sent_to_the_platform(sweeper, broker, posted):
    delivery = posted()
    Delivery.objects.filter(id=delivery.id).update(tenant_id=uuid.uuid4())
    make_due(delivery)
    assert sweeper.pass_once() == 1
    assert broker.llen("bookings.platform") == 1
