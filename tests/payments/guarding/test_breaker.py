import threading
import time

import pytest

from messaging.errors import OutcomeUnknown, Reject, Retry
from payments.guarding import breaker
from payments.guarding.breaker import BreakerOpen, check_breaker, through_breaker
from payments.providers.base import ProviderBusy, ProviderRefused
from tests.support.crew import eventually

pytestmark = pytest.mark.usefixtures("with_and_without_redis")


def fail(error=None):
    raise error or OutcomeUnknown("no answer")


def trip(access):
    for _ in range(3):
        with pytest.raises(OutcomeUnknown):
            through_breaker(access, fail)


def test_it_opens_and_sends_nothing(access):
    trip(access)
    calls = []
    with pytest.raises(BreakerOpen) as caught:
        through_breaker(access, lambda: calls.append(1))
    assert calls == []
    assert 0 < caught.value.after <= 0.4
    with pytest.raises(BreakerOpen):
        check_breaker(access)


def test_a_success_breaks_the_row(access):
    for _ in range(3):
        for _ in range(2):
            with pytest.raises(Retry):
                through_breaker(access, lambda: fail(Retry("not reached")))
        assert through_breaker(access, lambda: "well") == "well"
    check_breaker(access)


@pytest.mark.parametrize("error", [ProviderBusy("429"), ProviderRefused("401"), Reject("no"), ValueError("ours")])
def test_what_is_no_outage_does_not_open_it(access, error):
    for _ in range(5):
        with pytest.raises(type(error)):
            through_breaker(access, lambda: fail(error))
    assert through_breaker(access, lambda: "well") == "well"


def test_it_closes_when_the_provider_is_back(access):
    trip(access)
    eventually(lambda: _passes(access), within=5)
    check_breaker(access)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            through_breaker(access, fail)
    assert through_breaker(access, lambda: "well") == "well", "two failures are not yet three"


def test_a_probe_that_fails_opens_it_again(access):
    trip(access)
    time.sleep(0.45)  # it expires in Redis, which nobody can wait for otherwise
    with pytest.raises(OutcomeUnknown):
        through_breaker(access, fail)
    with pytest.raises(BreakerOpen):
        through_breaker(access, lambda: "well")


def test_one_probe_of_all(access):
    """While one call tries whether the provider is back, nobody else does."""
    trip(access)
    time.sleep(0.45)
    begun, go_on, answers = threading.Event(), threading.Event(), []

    def probe():
        begun.set()
        go_on.wait(5)
        return "well"

    thread = threading.Thread(target=lambda: answers.append(through_breaker(access, probe)))
    thread.start()
    assert begun.wait(5)
    for _ in range(5):
        with pytest.raises(BreakerOpen):
            through_breaker(access, lambda: pytest.fail("a second probe"))
    go_on.set()
    thread.join(5)
    assert answers == ["well"]
    assert through_breaker(access, lambda: "all") == "all"


def test_calls_at_once(access):
    """pybreaker would let one through at a time."""
    meeting = threading.Barrier(4, timeout=5)
    threads = [threading.Thread(target=lambda: through_breaker(access, meeting.wait)) for _ in range(3)]
    for thread in threads:
        thread.start()
    meeting.wait()
    for thread in threads:
        thread.join(5)


def test_workers_share_what_they_learn(access, with_and_without_redis, monkeypatch):
    if with_and_without_redis == "away":
        pytest.skip("without Redis each process is on its own")
    trip(access)
    breaker._memories.clear()  # as in another process
    with pytest.raises(BreakerOpen):
        check_breaker(access)


def _passes(access):
    try:
        return through_breaker(access, lambda: True)
    except BreakerOpen:
        return False
