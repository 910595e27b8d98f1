"""When a tenant overflows and when it is back."""

import pytest

from messaging.routing.strategies.judging import Measures, Stage, State, Trigger, judge
from messaging.routing.strategies.overflow import Overflow
from messaging.routing.strategies.parameters import complete

OPTIONS = complete(Overflow.parameters, {"backlog": 100, "seconds": 2, "errors": 0.4, "samples": 10, "calm": 30})
MOVED = State(Stage.MOVED, None, Trigger.BACKLOG)


@pytest.mark.parametrize(
    ("seen", "trigger"),
    [
        (Measures(backlog=101), Trigger.BACKLOG),
        (Measures(seconds=2.1, samples=10), Trigger.SLOW),
        (Measures(errors=0.5, samples=10), Trigger.ERRORS),
    ],
    ids=["backlog", "slow", "errors"],
)
def test_each_side_can_move_a_tenant(seen, trigger):
    assert judge(State(), seen, OPTIONS, now=0) == State(Stage.MOVED, None, trigger)


@pytest.mark.parametrize(
    "seen",
    [Measures(backlog=100), Measures(seconds=60, errors=1, samples=9), Measures(seconds=2, errors=0.4, samples=99)],
    ids=["at-the-limit", "too-few", "at-both-limits"],
)
def test_at_the_limit_or_with_too_few_samples_nothing_happens(seen):
    assert judge(State(), seen, OPTIONS, now=0) == State()


def test_it_comes_back_after_calm_and_is_over_only_when_its_queue_is_empty():
    state = judge(MOVED, Measures(backlog=50, left_behind=40), OPTIONS, now=100)
    assert (state.stage, state.calm_since) == (Stage.MOVED, 100)
    state = judge(state, Measures(backlog=10, left_behind=5), OPTIONS, now=129)
    assert state.stage is Stage.MOVED
    state = judge(state, Measures(left_behind=5), OPTIONS, now=130)
    assert (state.stage, state.trigger) == (Stage.RETURNING, Trigger.BACKLOG)
    state = judge(state, Measures(left_behind=1), OPTIONS, now=500)
    assert state.stage is Stage.RETURNING
    assert judge(state, Measures(), OPTIONS, now=501) == State()


def test_between_half_and_the_limit_it_neither_comes_back_nor_flaps():
    state = judge(MOVED, Measures(backlog=10), OPTIONS, now=100)
    state = judge(state, Measures(backlog=51), OPTIONS, now=120)
    assert state.calm_since is None
    state = judge(state, Measures(backlog=10), OPTIONS, now=125)
    assert judge(state, Measures(backlog=10), OPTIONS, now=154).stage is Stage.MOVED
    assert judge(state, Measures(backlog=10), OPTIONS, now=155).stage is Stage.RETURNING


def test_a_limit_passed_while_returning_moves_it_again():
    returning = State(Stage.RETURNING, None, Trigger.BACKLOG)
    assert judge(returning, Measures(errors=0.9, samples=50), OPTIONS, now=1) == State(
        Stage.MOVED, None, Trigger.ERRORS
    )


def test_while_it_is_moved_it_is_known_by_what_moved_it_first():
    state = judge(MOVED, Measures(backlog=1_000, errors=1, samples=99), OPTIONS, now=1)
    assert state.trigger is Trigger.BACKLOG
