import threading
import uuid

import pytest
from django.db import connection

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


def test_claims_and_heartbeats_are_heap_only_updates(committed, posted):
    """The design's budget: a claim touches no indexed column, so its update stays on the page (HOT)."""
    delivery = posted()
    indexed = {column for index in Delivery._meta.indexes for column in index.fields} | {"id"}
    before = Delivery.objects.filter(id=delivery.id).values(*indexed).get()
    taken = claims.claim(delivery.id)
    claims.extend({taken.id: taken.claim_id})
    assert Delivery.objects.filter(id=delivery.id).values(*indexed).get() == before
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'messaging_delivery'")
        assert all("WHERE" not in row[0] for row in cursor.fetchall()), "a partial index's condition would count too"


@pytest.mark.django_db
def test_an_unknown_id_is_nobodys(recorder):
    assert claims.claim(uuid.uuid4()) is None
