"""Messages that kill their worker, in real processes of both pools: they end, and nobody else does."""

import pytest

from tests.support.crew import eventually


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_what_kills_its_worker_ends_and_its_neighbours_are_done_once(crew, shop, pool):
    good = shop.post("good", 12, seconds=0.2)
    poison = shop.post("exit") + shop.post("segfault")
    good += shop.post("good", 12, seconds=0.2)
    crew.sweeper()
    crew.worker(pool=pool, concurrency=4 if pool == "threads" else 2)
    eventually(lambda: not shop.open(), within=90, what="all has ended")
    assert sorted(shop.effects()) == sorted(good)
    assert {(letter.reason, letter.crashes) for letter in shop.letters()} == {("crashes", 3)}
    assert sorted(shop.outcomes()) == sorted(poison)
    starts = [kind for kind, *_ in crew.starts()]
    assert (starts.count("exit"), starts.count("segfault")) == (3, 3)
