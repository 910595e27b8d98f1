import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from messaging import claims
from messaging.errors import StaleClaim
from messaging.models import Delivery
from tenants.registry.context import enter_public
from tests.messaging.conftest import end_lease


@pytest.fixture
def delivery(posted):
    return posted()


def test_a_claimed_row_is_not_claimed_again_while_the_lease_holds(delivery):
    assert claims.claim(delivery.id) is not None
    assert claims.claim(delivery.id) is None


def test_a_lease_that_ran_out_is_taken_over_and_counted(delivery):
    first = claims.claim(delivery.id)
    end_lease(delivery)
    second = claims.claim(delivery.id)
    assert (second.crashes, second.epoch) == (first.crashes + 1, first.epoch + 1)
    with pytest.raises(StaleClaim):
        claims.release(first, delay=0, counted=True)
    with pytest.raises(StaleClaim):
        claims.finish(first, outcome="done")
    assert claims.extend({first.id: first.claim_id}) == set()
    assert claims.extend({second.id: second.claim_id}) == {second.claim_id}


def test_of_many_at_once_one_gets_it(committed, posted):
    delivery = posted()
    barrier, won = threading.Barrier(8), []

    def compete():
        try:
            with enter_public():
                connection.ensure_connection()
                barrier.wait()
                won.append(claims.claim(delivery.id))
        finally:
            connection.close()

    threads = [threading.Thread(target=compete) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(result is not None for result in won) == 1
    assert len(won) == 8


def updates():
    """All updates of deliveries so far, and how many of them stayed on their page."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'messaging_delivery'")
        return cursor.fetchone()


def test_claims_and_heartbeats_are_heap_only_updates(committed, posted):
    """The design's budget: a claim changes no indexed value, so its update stays on the page (HOT)."""
    delivery = posted()
    all_before, hot_before = updates()
    taken = claims.claim(delivery.id)
    claims.extend({taken.id: taken.claim_id})
    all_after, hot_after = updates()
    assert all_after - all_before == hot_after - hot_before == 2


def test_a_row_that_waited_for_a_late_look_is_looked_at_when_its_holders_lease_ends(posted):
    """Else a worker that dies with a row of a long backlog would be noticed minutes after its lease."""
    delivery = posted()
    Delivery.objects.filter(id=delivery.id).update(due_at=Now() + timedelta(minutes=5), parked_in="bookings.basic")
    claims.claim(delivery.id)
    row = Delivery.objects.get(id=delivery.id)
    assert timedelta(0) < row.due_at - row.lease_until < timedelta(seconds=1)
    assert row.parked_in == ""


def test_what_a_worker_hands_over_is_anybodys_and_uncounted(posted):
    held, hung, others = (claims.claim(posted().id) for _ in range(3))
    Delivery.objects.filter(id=others.id).update(claimed_by="elsewhere:1")
    assert claims.hand_over([claims.worker_name()], but={hung.claim_id}) == 1
    with pytest.raises(StaleClaim):
        claims.finish(held, outcome="done")
    again = claims.claim(held.id)
    assert (again.attempts, again.crashes, again.epoch) == (0, 0, held.epoch + 1)
    assert claims.extend({row.id: row.claim_id for row in (hung, others)}) == {hung.claim_id, others.claim_id}


@pytest.mark.django_db
def test_an_unknown_id_is_nobodys(recorder):
    assert claims.claim(uuid.uuid4()) is None
