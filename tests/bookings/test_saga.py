"""The table decides everything, and its moves hang together."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.saga import (
    FIRST,
    TABLE,
    Action,
    Deadline,
    Ignore,
    Move,
    Refuse,
    State,
    Trigger,
    decide,
    is_final,
    transitions,
)
from bookings.saga_drawing import document

_MONEY_COMES = (Trigger.CAPTURED, Trigger.ON_CREDIT)
_ENDS = {State.COMPLETED, State.CANCELLED, State.FAILED}


@pytest.mark.parametrize("state", State)
def test_every_state_decides_every_event(state):
    assert set(TABLE[state].on) == set(Trigger)


def test_final_states_are_the_three_ends():
    assert {state for state in State if is_final(state)} == _ENDS


def test_every_state_can_be_reached_and_left_to_an_end():
    reached = {FIRST}
    for _ in State:
        reached |= {to for source, to in transitions() if source in reached}
    assert reached == set(State)
    ends = set(_ENDS)
    for _ in State:
        ends |= {source for source, to in transitions() if to in ends}
    assert ends == set(State)


def test_every_waiting_state_has_a_deadline_that_leaves_it():
    for state in State:
        rules = TABLE[state]
        # A confirmed ride waits for its own time, which the calendar keeps.
        if is_final(state) or state is State.CONFIRMED:
            assert rules.deadline is None
            continue
        decision = rules.on[Trigger.DEADLINE]
        assert rules.deadline is not None
        assert isinstance(decision, Move)
        assert TABLE[decision.to].deadline is not rules.deadline


@pytest.mark.parametrize("trigger", _MONEY_COMES)
@pytest.mark.parametrize("state", [State.CANCELLING, State.CANCELLED, State.FAILING, State.FAILED])
def test_money_that_comes_too_late_goes_back(state, trigger):
    assert decide(state, trigger) == Move(state, (Action.REQUEST_REFUND,))


def _moves():
    return [
        (state, trigger, decision)
        for state, rules in TABLE.items()
        for trigger, decision in rules.on.items()
        if isinstance(decision, Move) and decision.to != state
    ]


def test_what_a_state_has_done_is_undone_when_the_ride_comes_to_nothing():
    for state, trigger, move in _moves():
        if move.to not in (State.CANCELLING, State.FAILING, State.FAILED, State.CANCELLED):
            continue
        due = set(TABLE[state].compensation)
        if trigger in (Trigger.DECLINED, Trigger.PAYMENT_FAILED):
            due.discard(Action.REQUEST_REFUND)  # payments say themselves that nothing stays charged
        assert due <= set(move.actions), (state, trigger)


def test_clients_are_told_once_on_every_way():
    told = {
        State.CONFIRMED: Action.CONFIRM,
        State.COMPLETED: Action.COMPLETE,
    }
    for state, trigger, move in _moves():
        if move.to in told:
            assert told[move.to] in move.actions
        if state in (State.REQUESTED, State.PAYING, State.CONFIRMED):
            announced = [a for a in move.actions if a in (Action.ANNOUNCE_FAILURE, Action.ANNOUNCE_CANCELLATION)]
            comes_to_nothing = move.to in (State.CANCELLING, State.CANCELLED, State.FAILING, State.FAILED)
            assert len(announced) == comes_to_nothing, (state, trigger)
        if state in (State.CANCELLING, State.FAILING):
            assert not {Action.ANNOUNCE_FAILURE, Action.ANNOUNCE_CANCELLATION} & set(move.actions)
        if move.to is State.CANCELLED:
            assert Action.END_CANCELLATION in move.actions


def test_a_confirmed_ride_never_fails():
    after = {State.CONFIRMED}
    for _ in State:
        after |= {to for source, to in transitions() if source in after}
    assert not after & {State.FAILING, State.FAILED}


def test_a_person_may_always_ask_to_cancel():
    for state in State:
        assert isinstance(decide(state, Trigger.CANCEL), Move | Ignore | Refuse)
    assert isinstance(decide(State.CANCELLED, Trigger.CANCEL), Ignore)
    assert isinstance(decide(State.COMPLETED, Trigger.CANCEL), Refuse)


def test_every_deadline_watches_something():
    assert {rules.deadline for rules in TABLE.values()} - {None} == set(Deadline)


def test_the_page_in_the_docs_is_drawn_from_this_table(settings):
    assert (settings.BASE_DIR / "docs" / "saga.md").read_text() == document(), "run manage.py saga --write"


@given(st.lists(st.sampled_from(Trigger), max_size=30))
def test_whatever_happens_in_whatever_order_the_story_is_consistent(triggers):
    state, done = FIRST, []
    for trigger in triggers:
        decision = decide(state, trigger)
        if not isinstance(decision, Move):
            continue
        if trigger in _MONEY_COMES and decision.to not in (State.CONFIRMED, State.COMPLETED):
            assert Action.REQUEST_REFUND in decision.actions
        done += decision.actions
        state = decision.to
    counted = Counter(done)
    assert counted[Action.REQUEST_CAPTURE] <= 1
    assert counted[Action.CONFIRM] <= 1
    assert counted[Action.COMPLETE] <= 1
    assert counted[Action.ANNOUNCE_FAILURE] + counted[Action.ANNOUNCE_CANCELLATION] <= 1
    assert counted[Action.END_CANCELLATION] <= counted[Action.ANNOUNCE_CANCELLATION]
    off = state in (State.CANCELLING, State.CANCELLED, State.FAILING, State.FAILED)
    assert off == bool(counted[Action.ANNOUNCE_FAILURE] + counted[Action.ANNOUNCE_CANCELLATION])
    if counted[Action.CONFIRM] and off:
        assert counted[Action.REQUEST_REFUND] >= 1
        assert counted[Action.RELEASE_UNICORN] == 1
