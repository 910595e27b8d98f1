import uuid

import pytest
from django.db import connection

from messaging import claims
from messaging.consuming import deliver
from messaging.models import Delivery
from messaging.sweeper import Sweeper
from tests.messaging.conftest import both_transports, end_lease, make_due

QUEUE = "bookings.basic"


@pytest.fixture
def sweeper(wakeups, recorder, db):
    sweeping = Sweeper()
    sweeping.pass_once()  # has seen this life of the broker
    return sweeping


@pytest.mark.parametrize(("wakeups", "copies"), [("fairqueue", 1), ("redis", 4)], indirect=["wakeups"])
def test_what_has_not_started_is_sent_again_with_back_off(sweeper, wakeups, posted, copies):
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
    assert wakeups.waiting(QUEUE) == copies
    for _ in range(4):
        deliver(delivery.id)
    assert not Delivery.objects.filter(id=delivery.id).exists()


def test_copies_find_nothing_to_claim(sweeper, posted, recorder):
    delivery = posted()
    make_due(delivery)
    sweeper.pass_once()
    assert [deliver(delivery.id) for _ in range(3)] == [True, False, False]
    assert len(recorder.seen) == 1


def test_a_held_row_is_left_alone_until_its_lease_ends(sweeper, wakeups, posted):
    delivery = posted()
    claims.claim(delivery.id)
    make_due(delivery)
    assert sweeper.pass_once() == 0
    row = Delivery.objects.get(id=delivery.id)
    assert row.claim_id is not None
    assert row.due_at > row.lease_until


def test_an_abandoned_row_is_taken_over(sweeper, wakeups, posted):
    delivery = posted()
    claims.claim(delivery.id)
    end_lease(delivery)
    assert sweeper.pass_once() == 1
    row = Delivery.objects.get(id=delivery.id)
    assert (row.claim_id, row.crashes, row.epoch) == (None, 1, 1)
    assert wakeups.waiting(QUEUE) == 1


def test_what_the_broker_believes_to_hold_and_does_not_is_sent_all_the_same(sweeper, wakeups, posted):
    """Its memory of what waits outlived what waits: somebody removed keys by hand."""
    delivery = posted()
    make_due(delivery)
    sweeper.pass_once()
    wakeups.client.delete(*wakeups.client.keys(f"fairqueue:{QUEUE}:m:*"))
    sends = 0
    while not wakeups.sent(QUEUE):
        make_due(delivery)
        sends += sweeper.pass_once()
        assert sends < 10
    assert sends > 3


@both_transports
def test_a_broker_that_lost_everything_is_noticed(sweeper, wakeups, posted):
    for _ in range(3):
        posted()
    wakeups.client.flushdb()
    sweeper._watch._next = 0.0
    assert sweeper.pass_once() == 3
    assert wakeups.waiting(QUEUE) == 3
    sweeper._watch._next = 0.0
    assert sweeper.pass_once() == 0, "once for each life of the broker"


def test_a_broker_that_is_away_leaves_the_rows_due(wakeups, posted, recorder, monkeypatch):
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


def test_more_than_a_batch_is_sent_in_one_pass(sweeper, wakeups, posted, monkeypatch):
    monkeypatch.setattr("messaging.sweeper.BATCH", 5)
    deliveries = [posted() for _ in range(12)]
    for delivery in deliveries:
        make_due(delivery)
    assert sweeper.pass_once() == 12


def test_a_delivery_of_an_unknown_tenant_is_sent_to_the_platform(sweeper, wakeups, posted):
    delivery = posted()
    Delivery.objects.filter(id=delivery.id).update(tenant_id=uuid.uuid4())
    make_due(delivery)
    assert sweeper.pass_once() == 1
    assert wakeups.waiting("bookings.platform") == 1
