import threading
from contextlib import ExitStack
from dataclasses import replace

import pytest

from messaging.errors import PutBack
from payments.guarding.budget import BudgetSpent, count_first, spend_retry
from payments.guarding.room import NoRoom, room


@pytest.fixture
def small(settings):
    settings.PAYMENT_CALLS_PER_ACCOUNT, settings.PAYMENT_CALLS_IN_ALL = 2, 3


def other(access, name):
    return replace(access, provider=name)


def test_an_account_has_its_share_and_no_more(access, small):
    with ExitStack() as held:
        held.enter_context(room(access))
        held.enter_context(room(access))
        with pytest.raises(NoRoom), room(access):
            pytest.fail("there was no room")
        held.enter_context(room(other(access, "stripe")))
        with pytest.raises(NoRoom), room(other(access, "third")):
            pytest.fail("all together have a share too")
    with room(access):
        pass


def test_whoever_comes_a_moment_too_early_waits(access, small):
    leave, inside = threading.Event(), threading.Semaphore(0)

    def hold():
        with room(access):
            inside.release()
            leave.wait(5)

    threads = [threading.Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
        inside.acquire(timeout=5)
    threading.Timer(0.02, leave.set).start()
    with room(access):
        pass
    for thread in threads:
        thread.join(5)


def test_a_place_is_given_back_after_an_error(access, small):
    for _ in range(5):
        with pytest.raises(ValueError), room(access):
            raise ValueError


def test_retries_are_a_share_of_first_tries(access, settings):
    settings.PAYMENT_RETRIES_PER_SECOND, settings.PAYMENT_RETRY_PERCENT = 0.2, 50
    for _ in range(4):
        count_first(access)
    for _ in range(4):
        spend_retry(access)
    with pytest.raises(BudgetSpent) as caught:
        spend_retry(access)
    assert isinstance(caught.value, PutBack)
    assert 0 < caught.value.after <= 20
    spend_retry(other(access, "stripe"))


def test_without_redis_there_is_no_budget(access, settings, with_and_without_redis):
    settings.PAYMENT_RETRIES_PER_SECOND, settings.PAYMENT_RETRY_PERCENT = 0, 0
    if with_and_without_redis == "away":
        spend_retry(access)
    else:
        with pytest.raises(BudgetSpent):
            spend_retry(access)
