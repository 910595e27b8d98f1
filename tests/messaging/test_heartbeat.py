import time

from messaging import claims
from messaging.heartbeat import Heart
from messaging.models import Delivery


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
