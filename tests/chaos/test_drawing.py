"""A failing seed can be run again: kills and bookings follow from it alone."""

from itertools import islice

from chaos import schedule, wishes
from chaos.schedule import Kind


def test_the_same_seed_draws_the_same_kills_and_another_one_others() -> None:
    def first(seed: int) -> list[schedule.Strike]:
        return list(islice(schedule.draw(seed, mean_pause=3), 50))

    assert first(1) == first(1)
    assert first(1) != first(2)


def test_every_kind_of_kill_comes_before_any_comes_twice() -> None:
    strikes = list(islice(schedule.draw(3, mean_pause=3), len(Kind)))

    assert {strike.kind for strike in strikes} == set(Kind)


def test_kills_are_as_far_apart_as_asked_for() -> None:
    pauses = [strike.pause for strike in islice(schedule.draw(1, mean_pause=3), 1000)]

    assert 2.8 < sum(pauses) / len(pauses) < 3.2
    assert min(pauses) >= 1.5
    assert max(pauses) <= 4.5


def test_the_same_seed_draws_the_same_bookings_for_a_company() -> None:
    def first(seed: int, slug: str) -> list[wishes.Wish]:
        return list(islice(wishes.draw(seed, slug), 200))

    assert first(1, "acme") == first(1, "acme")
    assert first(1, "acme") != first(1, "globex")
    drawn = first(1, "acme")
    assert len({wish.key for wish in drawn}) == 200
    assert {wish.cancel for wish in drawn} == {"", wishes.BY_OPERATION, wishes.BY_CANCELLATION}
    assert any(wish.is_declined for wish in drawn)
    assert any(wish.repeats for wish in drawn)
    assert any(wish.twins > 1 for wish in drawn)
