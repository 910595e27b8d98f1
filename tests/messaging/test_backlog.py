"""A long queue: it does not grow by sending again, is not slowed by it, and what it lost is sent all the same."""

import json
import re
import time

import pytest
from django.db import connection

from messaging import claims, resending
from messaging.depths import lane_of
from messaging.models import Delivery
from messaging.sweeper import Sweeper
from tests.messaging.conftest import end_lease, make_due

QUEUE = "bookings.basic"
OTHER_QUEUE = "payments.basic"


@pytest.fixture
def sweeper(wakeups, recorder, committed):
    sweeping = Sweeper()
    sweeping.pass_once()  # has seen this life of the broker
    return sweeping


@pytest.fixture
def short_limit(settings):
    """A queue is long from ten messages on."""
    settings.MESSAGING = {**settings.MESSAGING, "RESEND_UP_TO": 10}


def fill(tenant, count, *, queue_class="bookings", handler="sample.do", age=10):
    """Rows that were sent `age` seconds ago and have not started: they are due for a look."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO messaging_delivery (id, tenant_id, message_id, correlation_id, topic, version, handler, queue_class,
                   epoch, attempts, crashes, sends, claimed_by, not_before, due_at, created_at)
            SELECT uuidv7(make_interval(secs => -%(age)s)), %(tenant)s, gen_random_uuid(), gen_random_uuid(), 'sample.do_thing',
                   1, %(handler)s, %(class)s, 0, 0, 0, 0, '', clock_timestamp() - make_interval(secs => %(age)s),
                   clock_timestamp(), clock_timestamp() - make_interval(secs => %(age)s)
              FROM generate_series(1, %(count)s)
            """,
            {"age": age, "tenant": tenant.id, "handler": handler, "class": queue_class, "count": count},
        )


def let_all_be_due():
    with connection.cursor() as cursor:
        cursor.execute("UPDATE messaging_delivery SET due_at = clock_timestamp()")


def sweep_until_calm(sweeper):
    """Passes until nothing is due; answers what was sent and the longest pass in seconds."""
    sent, longest = 0, 0.0
    for _ in range(60):
        began = time.perf_counter()
        sent += sweeper.pass_once()
        longest = max(longest, time.perf_counter() - began)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM messaging_delivery WHERE due_at <= clock_timestamp()")
            if not cursor.fetchone()[0]:
                return sent, longest
    raise AssertionError("the sweeper never gets to the end")


def rows_read_by_a_look():
    """How many rows PostgreSQL goes through to find that nothing is due."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + resending._DUE, {"limit": 500})
        plan = json.dumps(cursor.fetchone()[0])
    return sum(int(float(found)) for found in re.findall(r'"Rows Removed by Filter": ([\d.]+)', plan))


def test_a_backlog_of_100_000_is_not_sent_again_however_often_it_is_looked_at(sweeper, wakeups, tenant):
    fill(tenant, 100_000)
    wakeups.fill(QUEUE, 100_000, group=tenant.id)
    for look in range(2):
        if look:
            let_all_be_due()
        _, longest = sweep_until_calm(sweeper)
        assert longest < 20.0, "a pass is bounded: others wait for it"
        assert wakeups.waiting(QUEUE) <= 100_100
    for _ in range(10):
        sweeper._census._next = 0.0
        sweeper.pass_once()
    assert wakeups.waiting(QUEUE) <= 100_100, "however often one counts"
    assert rows_read_by_a_look() < 5_000, "a look reads what is due and not the whole backlog"


def test_an_emptied_broker_is_filled_as_workers_take_not_flooded(sweeper, wakeups, tenant):
    fill(tenant, 5_000)
    wakeups.fill(QUEUE, 5_000, group=tenant.id)
    sweep_until_calm(sweeper)
    wakeups.client.flushdb()
    sweeper._watch._next = 0.0
    sweep_until_calm(sweeper)
    assert wakeups.waiting(QUEUE) == 1_000
    oldest = set(Delivery.objects.order_by("id").values_list("id", flat=True)[:1_100])
    assert set(wakeups.sent(QUEUE)) <= oldest
    for _ in range(3):
        wakeups.take(QUEUE, 700)  # workers take them
        sweeper.pass_once()
        assert wakeups.waiting(QUEUE) == 1_000, "workers never starve"


def test_a_long_queue_of_one_kind_holds_up_no_other(sweeper, wakeups, tenant, short_limit):
    fill(tenant, 50)
    wakeups.fill(QUEUE, 50, group=tenant.id)
    fill(tenant, 3, queue_class="payments", handler="sample.call")
    sweep_until_calm(sweeper)
    assert wakeups.waiting(OTHER_QUEUE) == 3


def test_what_a_long_queue_lost_is_sent_when_it_gets_short(sweeper, wakeups, tenant, short_limit):
    fill(tenant, 30)
    wakeups.fill(QUEUE, 40, group=tenant.id)  # copies of what is done long since: the count cannot tell
    assert sweep_until_calm(sweeper)[0] == 0
    wakeups.take(QUEUE, 35)
    assert sweeper.pass_once() == 5
    wakeups.take(QUEUE, 10)
    assert sweeper.pass_once() == 10
    first = list(Delivery.objects.order_by("id").values_list("id", flat=True)[:15])
    assert wakeups.sent(QUEUE) == first[5:], "the oldest first"


def test_what_a_queue_lost_that_never_gets_short_is_sent_a_few_at_a_time(sweeper, wakeups, tenant, short_limit):
    fill(tenant, 50)
    wakeups.fill(QUEUE, 45, group=tenant.id)  # five were lost
    sweep_until_calm(sweeper)
    for _ in range(30):
        sweeper._census._next = 0.0
        sweeper.pass_once()
    assert wakeups.waiting(QUEUE) == 51, "as many as wait, and few more"
    assert wakeups.sent(QUEUE) == list(Delivery.objects.order_by("id").values_list("id", flat=True)[:6])


def test_a_queue_that_nobody_serves_does_not_grow(sweeper, wakeups, tenant, short_limit):
    fill(tenant, 50)
    for _ in range(10):
        let_all_be_due()
        sweep_until_calm(sweeper)
        sweeper._census._next = 0.0
        sweeper.pass_once()
    assert wakeups.waiting(QUEUE) <= 51


def test_retries_and_deadlines_are_sent_once_however_long_the_queue(sweeper, wakeups, posted, tenant, short_limit):
    """Nobody has sent them yet: parked, they would come after all that was accepted meanwhile."""
    delivery = posted()
    wakeups.fill(QUEUE, 50, group=tenant.id)
    claims.release(claims.claim(delivery.id), delay=0, counted=True)
    assert sweeper.pass_once() == 1
    make_due(delivery)
    assert sweeper.pass_once() == 0
    assert Delivery.objects.get(id=delivery.id).parked_in == lane_of(QUEUE, str(tenant.id))


def test_work_of_a_dead_worker_is_sent_however_long_the_queue(sweeper, wakeups, posted, tenant, short_limit):
    """It had its turn, and there is no more of it than workers could hold."""
    delivery = posted()
    wakeups.fill(QUEUE, 50, group=tenant.id)
    claims.claim(delivery.id)
    end_lease(delivery)
    assert sweeper.pass_once() == 1
    assert set(wakeups.sent(QUEUE)) == {delivery.id}


def test_a_parked_row_is_claimed_by_its_message_and_forgotten(sweeper, wakeups, posted, tenant, short_limit):
    delivery = posted()
    wakeups.fill(QUEUE, 50, group=tenant.id)
    make_due(delivery)
    sweeper.pass_once()
    assert claims.claim(delivery.id) is not None
    wakeups.lose(QUEUE)
    assert sweeper.pass_once() == 0


def test_a_tenant_whose_queue_changed_is_sent_to_the_new_one(sweeper, wakeups, tenant, short_limit):
    fill(tenant, 3)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE messaging_delivery SET parked_in = 'bookings.gone'")
    sweep_until_calm(sweeper)
    assert wakeups.waiting(QUEUE) == 3


def test_redis_that_was_started_again_with_older_data_is_another_life(sweeper, wakeups, posted, monkeypatch):
    """Its append-only file may lack the last second, and nobody can say what was in it."""
    delivery = posted()
    make_due(delivery)
    assert sweeper.pass_once() == 1
    wakeups.lose(QUEUE)
    monkeypatch.setattr(sweeper._watch, "_run_id", lambda: "another start")
    sweeper._watch._next = 0.0
    assert sweeper.pass_once() == 1
