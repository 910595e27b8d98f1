"""Rendezvous hashing, counted."""

from collections import Counter
from itertools import combinations

import pytest

from messaging.routing.strategies.hashing import ranked

KEYS = [f"tenant-{number}" for number in range(4_000)]


def test_one_more_place_moves_its_share_and_nobody_else():
    before = {key: ranked(key, 8) for key in KEYS}
    after = {key: ranked(key, 9) for key in KEYS}
    moved = [key for key in KEYS if before[key] != after[key]]
    assert all(after[key] == (8,) for key in moved)
    assert abs(len(moved) / len(KEYS) - 1 / 9) < 0.02


def test_places_are_taken_evenly():
    counts = Counter(ranked(key, 8)[0] for key in KEYS)
    assert set(counts) == set(range(8))
    assert max(counts.values()) < 1.2 * len(KEYS) / 8


def test_pairs_are_taken_evenly():
    counts = Counter(frozenset(ranked(key, 6, 2)) for key in KEYS)
    assert set(counts) == {frozenset(pair) for pair in combinations(range(6), 2)}
    assert max(counts.values()) < 1.3 * len(KEYS) / 15


def test_ranks_are_distinct_and_the_first_does_not_depend_on_how_many_are_asked_for():
    for key in KEYS[:200]:
        three = ranked(key, 7, 3)
        assert len(set(three)) == 3
        assert three[:1] == ranked(key, 7)
        assert three[:2] == ranked(key, 7, 2)


@pytest.mark.parametrize(
    ("key", "first", "three"),
    [("acme", 1, (47, 58, 73)), ("globex", 2, (71, 67, 31)), ("", 1, (36, 13, 84)), ("\ud800", 2, (2, 65, 4))],
    ids=["acme", "globex", "empty", "surrogate"],
)
def test_it_is_the_same_in_every_process_and_for_ever(key, first, three):
    """Another version of the code that ranked otherwise would move tenants during its deployment."""
    assert ranked(key, 8) == (first,)
    assert ranked(key, 100, 3) == three
