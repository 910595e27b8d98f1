import time
from contextlib import ExitStack

import psycopg
from django.db import connection

from messaging import claims
from messaging.heartbeat import Heart
from messaging.models import Delivery
from tests.messaging.test_putting_back import terminate


def until(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def short_leases(settings):
    settings.MESSAGING = {**settings.MESSAGING, "LEASE_SECONDS": 0.6}


def test_a_lease_is_renewed_while_the_handler_works(committed, posted, settings):
    short_leases(settings)
    taken = claims.claim(posted().id)
    first = Delivery.objects.get(id=taken.id).lease_until
    with Heart().keeping(taken, time_limit=60):
        assert until(lambda: Delivery.objects.get(id=taken.id).lease_until > first)
    assert claims.extend({taken.id: taken.claim_id}) == {taken.claim_id}


def test_a_handler_that_hangs_past_its_limit_is_renewed_no_more(committed, posted, settings):
    short_leases(settings)
    delivery = posted()
    with Heart().keeping(claims.claim(delivery.id), time_limit=0.1):
        assert until(lambda: claims.claim(delivery.id) is not None), "another worker takes over"


def test_a_finished_claim_is_not_renewed(committed, posted, settings):
    short_leases(settings)
    delivery = posted()
    with Heart().keeping(claims.claim(delivery.id), time_limit=60):
        pass
    assert until(lambda: claims.claim(delivery.id) is not None)


def test_one_heart_renews_the_leases_of_all_threads(committed, posted, settings):
    short_leases(settings)
    heart, taken = Heart(), [claims.claim(posted().id) for _ in range(8)]
    with ExitStack() as kept:
        for claim in taken:
            kept.enter_context(heart.keeping(claim, time_limit=60))
        first = {row.id: row.lease_until for row in Delivery.objects.all()}
        assert until(lambda: all(row.lease_until > first[row.id] for row in Delivery.objects.all()))
    assert claims.extend({claim.id: claim.claim_id for claim in taken}) == {claim.claim_id for claim in taken}


def test_a_database_that_hangs_up_in_between_costs_no_lease(committed, posted, settings):
    settings.MESSAGING = {**settings.MESSAGING, "LEASE_SECONDS": 3.0}
    taken, heart = claims.claim(posted().id), Heart()

    def beats():
        with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
            query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%unnest%held%'"
            return [pid for (pid,) in other.execute(query) if pid != other.info.backend_pid]

    with heart.keeping(taken, time_limit=60):
        assert until(beats), "the heart has a session of its own"
        for pid in beats():
            terminate(pid)
        first = Delivery.objects.get(id=taken.id).lease_until
        assert until(lambda: Delivery.objects.get(id=taken.id).lease_until > first)
    assert claims.extend({taken.id: taken.claim_id}) == {taken.claim_id}


def test_what_hangs_is_remembered_and_its_process_told(committed, posted, settings):
    short_leases(settings)
    taken, heart, told = claims.claim(posted().id), Heart(), []
    heart.when_hung(lambda: told.append("hung"))
    with heart.keeping(taken, time_limit=0.1):
        assert until(lambda: told)
    assert heart.given_up == {taken.claim_id}
