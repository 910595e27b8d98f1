import threading
import time

import pytest

from messaging import claims
from messaging.consuming import deliver
from messaging.isolation import Ward, ward
from messaging.models import Delivery
from tests.messaging.conftest import end_lease


def test_the_first_comes_in_alone_and_lets_others_in():
    place = Ward()
    with place.enter() as first:
        assert first.alone
        first.share()
        with place.enter() as second:
            assert not second.alone


def test_a_suspect_waits_for_those_inside_and_keeps_others_out():
    place, order = Ward(), []
    inside, suspect_waits = threading.Event(), threading.Event()

    def neighbour():
        with place.enter() as here:
            here.share()
            inside.set()
            suspect_waits.wait(5)
            time.sleep(0.05)
            order.append("neighbour ended")

    def latecomer():
        with place.enter():
            order.append("latecomer")

    threads = [threading.Thread(target=neighbour)]
    threads[0].start()
    inside.wait(5)

    def suspect():
        with place.enter_alone() as here:
            assert here is not None
            threads.append(threading.Thread(target=latecomer))
            threads[-1].start()
            time.sleep(0.05)
            order.append("suspect")

    threads.append(threading.Thread(target=suspect))
    threads[1].start()
    suspect_waits.set()
    for thread in threads:
        thread.join(5)
    for thread in threads:
        thread.join(5)
    assert order == ["neighbour ended", "suspect", "latecomer"]


def test_a_suspect_does_not_wait_for_ever():
    place = Ward()
    with place.enter() as here:
        here.share()
        with place.enter_alone(patience=0.05) as nothing:
            assert nothing is None
        with place.enter() as other:
            assert not other.alone


def test_an_error_inside_opens_the_door_again():
    place = Ward()
    for enter in (place.enter, place.enter_alone):
        with pytest.raises(ValueError), enter():
            raise ValueError
    with place.enter() as here:
        assert here.alone


def test_a_suspect_is_left_for_later_where_others_are_at_work(posted, recorder, monkeypatch):
    delivery = posted()
    claims.claim(delivery.id)
    end_lease(delivery)
    with ward.enter() as neighbour:
        neighbour.share()
        quick = Ward.enter_alone
        monkeypatch.setattr(Ward, "enter_alone", lambda self: quick(self, 0.05))
        assert not deliver(delivery.id)
    row = Delivery.objects.get(id=delivery.id)
    assert recorder.seen == []
    assert row.crashes == 0
    assert deliver(delivery.id), "alone it is taken over"
    assert not Delivery.objects.filter(id=delivery.id).exists()


def test_what_has_not_crashed_works_beside_others(posted, recorder):
    delivery = posted()
    with ward.enter() as neighbour:
        neighbour.share()
        assert deliver(delivery.id)
    assert len(recorder.seen) == 1
