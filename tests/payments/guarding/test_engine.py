"""What guards refuse, as the engine treats it: put back uncounted, and decided in time all the same."""

from datetime import timedelta

import pytest

from messaging.models import DeadLetter, Delivery
from payments.guarding import breaker
from tests.payments.conftest import FARE, Fare, published
from tests.payments.test_handlers import NOTHING, OWED, PAID, _pass_deadline


@pytest.fixture
def fragile(provider, settings, redis_client):
    """Two failures open the breaker, for longer than the test."""
    settings.PAYMENT_BREAKER_FAILURES, settings.PAYMENT_BREAKER_OPEN_SECONDS = 2, 30.0
    yield provider
    breaker._memories.clear()
    for key in redis_client.scan_iter("payments:*"):
        redis_client.delete(key)


def open_breaker(provider, drain):
    provider.dials(down="503")
    fare = Fare()
    for _ in range(2):
        drain()
        Delivery.objects.filter(handler="payments.capture").update(not_before="2020-01-01T00:00Z")
    drain()
    return fare


def delivery():
    return Delivery.objects.filter(handler="payments.capture").latest("created_at")


def test_what_an_open_breaker_refuses_is_not_counted_and_was_never_sent(fragile, drain):
    open_breaker(fragile, drain)
    fare = Fare()
    drain()
    held = delivery()
    assert (held.attempts, held.put_backs) == (0, 1)
    assert fare.state == "pending", "nothing was sent, so nothing is in doubt"
    wait = (held.not_before - held.created_at).total_seconds()
    assert 10 < wait < 40


def test_it_is_decided_at_its_deadline(fragile, drain):
    open_breaker(fragile, drain)
    fare = Fare(deadline=timedelta(seconds=5))
    drain()
    held = delivery()
    assert (held.not_before - held.created_at).total_seconds() < 6, "it waits no longer than its deadline"
    _pass_deadline(fare)
    Delivery.objects.filter(id=held.id).update(not_before="2020-01-01T00:00Z")
    drain()
    assert (fare.state, fare.totals) == ("failed", NOTHING)
    assert published(fare.booking_id) == ["payment.failed"]
    assert DeadLetter.objects.filter(handler="payments.capture", reason="rejected").count() >= 1


def test_a_late_look_up_that_the_breaker_refuses_ends_by_the_tiers_outcome(fragile, drain, tenant_tier):
    tenant_tier(payment_failure_outcome="store_credit", store_credit_limit_minor=FARE.minor)
    fare = open_breaker(fragile, drain)
    assert fare.state == "calling"
    _pass_deadline(fare)
    Delivery.objects.filter(handler="payments.capture").update(not_before="2020-01-01T00:00Z")
    drain()
    assert (fare.state, fare.totals) == ("on_credit", OWED)


def test_it_is_taken_when_the_provider_is_back(fragile, drain, settings):
    settings.PAYMENT_BREAKER_OPEN_SECONDS = 0.2
    fare = open_breaker(fragile, drain)
    fragile.reset()
    for _ in range(30):
        drain(include_delayed=True)
        if fare.totals == PAID:
            return
    pytest.fail("it was never taken")
