"""Messages that kill a worker with threads: they end, and nobody else does. For the prefork pool see `test_poison.py`."""

import os

import pytest

from tests.support.crew import eventually


def test_what_kills_its_worker_ends_and_its_neighbours_are_done_once(crew, shop):
    good = shop.post("good", 12, seconds=0.2)
    poison = shop.post("exit") + shop.post("segfault")
    good += shop.post("good", 12, seconds=0.2)
    crew.sweeper()
    crew.worker(concurrency=4)
    eventually(lambda: not shop.open(), within=90, what="all has ended")
    assert sorted(shop.effects()) == sorted(good)
    assert {(letter.reason, letter.crashes) for letter in shop.letters()} == {("crashes", 3)}
    assert sorted(shop.outcomes()) == sorted(poison)
    starts = [kind for kind, *_ in crew.starts()]
    # The first crash of one may be the other's, beside which it had been claimed and not begun; from then on each is alone.
    assert {starts.count("exit"), starts.count("segfault")} <= {2, 3}


@pytest.mark.skipif("POISON" not in os.environ, reason="takes half a minute: make poison")
def test_an_interpreter_that_stands_still_is_ended_and_its_neighbours_are_done(crew, shop):
    """No thread of Python runs any more, the heart's neither; the watchdog needs none."""
    stuck, good = shop.post("stuck"), shop.post("good", 4)
    crew.sweeper()
    worker = crew.worker(concurrency=2)
    eventually(lambda: not shop.open(), within=120, what="all has ended")
    assert sorted(shop.effects()) == sorted(good)
    assert sorted(shop.outcomes()) == stuck
    assert worker.starts == 4
