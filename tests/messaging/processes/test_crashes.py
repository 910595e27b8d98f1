"""Messages that kill a worker with threads: they end, and nobody else does. For the prefork pool see `test_poison.py`."""

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
    assert (starts.count("exit"), starts.count("segfault")) == (3, 3)
