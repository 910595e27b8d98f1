"""The process manager of a ride, as one table: state and event give actions and next state.

Pure: it decides, `services.process` acts. Everything a ride can meet is decided here, also what comes late or twice; an empty
cell is a mistake that the tests find. The moves are guarded by a trigger in the database as well (see the migrations).
`manage.py saga` draws it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a ride stands."""

    REQUESTED = "requested"
    PAYING = "paying"
    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    FAILING = "failing"
    FAILED = "failed"


class Trigger(StrEnum):
    """What can happen to a ride."""

    PLANNED = "planned"
    NO_UNICORN = "no unicorn"
    PLANNING_FAILED = "planning failed"
    CAPTURED = "captured"
    ON_CREDIT = "on credit"
    DECLINED = "declined"
    PAYMENT_FAILED = "payment failed"
    CANCEL = "cancel"
    NO_SHOW = "no show"
    DEADLINE = "deadline"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund failed"
    RIDE_OVER = "ride over"


class Action(StrEnum):
    """What is done on a move, in the same transaction. Slow work is only asked for, by a command."""

    REQUEST_CAPTURE = "ask for the capture"
    CONFIRM = "confirm"
    NOTE_CAPTURED = "note that the card was charged"
    COMPLETE = "complete"
    RELEASE_UNICORN = "release the unicorn"
    REQUEST_REFUND = "take the payment back"
    NOTE_REFUNDED = "note the refund"
    NOTE_REFUND_FAILED = "note that the refund is owed"
    ANNOUNCE_FAILURE = "fail the operation"
    ANNOUNCE_CANCELLATION = "cancel the operation"
    END_CANCELLATION = "end the cancellation"


class Deadline(StrEnum):
    """What a delayed command watches over. One that comes when its states are left finds nothing to do."""

    BOOKING = "booking"
    CANCELLATION = "cancellation"
    COMPENSATION = "compensation"


@dataclass(frozen=True)
class Move:
    """Go to `to` (which may be the same state) and do `actions` in order."""

    to: State
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True)
class Ignore:
    """Nothing is due, because of `why`: a copy, an event overtaken by another, or one that changes nothing here."""

    why: str


@dataclass(frozen=True)
class Refuse:
    """It must not happen here. A person's request is answered with a conflict; an event goes to the dead letters."""

    why: str


Decision = Move | Ignore | Refuse


@dataclass(frozen=True)
class Rules:
    """One state: what it means, what ends its waiting, what would undo what was done so far, and its row of the table."""

    meaning: str
    on: Mapping[Trigger, Decision]
    deadline: Deadline | None = None
    compensation: tuple[Action, ...] = ()


_PLANNED_ALREADY = Ignore("a copy of the plan; this one was decided before")
_COPY = Ignore("known already")
_OVER = Ignore("the ride has ended")
_LATE_DEADLINE = Ignore("what the deadline watched over has ended")
_NEVER_ASKED = Refuse("no payment was asked for yet")
_NO_REFUND_ASKED = Refuse("no refund was asked for")
_NO_RIDE = Ignore("there is no ride to complete")
_DEBT_STAYS = Ignore("the ride stands on store credit, and the debt stays with payments")
_NEVER_CONFIRMED = Refuse("the ride was never confirmed")
_TAKEN_BACK = Ignore("the payment was taken back; that request gets its own answer")

TABLE: Mapping[State, Rules] = {
    State.REQUESTED: Rules(
        "Accepted; a unicorn is being found.",
        deadline=Deadline.BOOKING,
        on={
            Trigger.PLANNED: Move(State.PAYING, (Action.REQUEST_CAPTURE,)),
            Trigger.NO_UNICORN: Move(State.FAILED, (Action.ANNOUNCE_FAILURE,)),
            Trigger.PLANNING_FAILED: Move(State.FAILED, (Action.ANNOUNCE_FAILURE,)),
            Trigger.CAPTURED: _NEVER_ASKED,
            Trigger.ON_CREDIT: _NEVER_ASKED,
            Trigger.DECLINED: _NEVER_ASKED,
            Trigger.PAYMENT_FAILED: _NEVER_ASKED,
            Trigger.CANCEL: Move(State.CANCELLED, (Action.ANNOUNCE_CANCELLATION, Action.END_CANCELLATION)),
            Trigger.NO_SHOW: _NEVER_CONFIRMED,
            Trigger.DEADLINE: Move(State.FAILED, (Action.ANNOUNCE_FAILURE,)),
            Trigger.REFUNDED: _NEVER_ASKED,
            Trigger.REFUND_FAILED: _NEVER_ASKED,
            Trigger.RIDE_OVER: _NEVER_CONFIRMED,
        },
    ),
    State.PAYING: Rules(
        "A unicorn is reserved; the fare is being captured.",
        deadline=Deadline.BOOKING,
        compensation=(Action.RELEASE_UNICORN, Action.REQUEST_REFUND),
        on={
            Trigger.PLANNED: _PLANNED_ALREADY,
            Trigger.NO_UNICORN: _PLANNED_ALREADY,
            Trigger.PLANNING_FAILED: _PLANNED_ALREADY,
            Trigger.CAPTURED: Move(State.CONFIRMED, (Action.CONFIRM,)),
            Trigger.ON_CREDIT: Move(State.CONFIRMED, (Action.CONFIRM,)),
            Trigger.DECLINED: Move(State.FAILED, (Action.RELEASE_UNICORN, Action.ANNOUNCE_FAILURE)),
            Trigger.PAYMENT_FAILED: Move(State.FAILED, (Action.RELEASE_UNICORN, Action.ANNOUNCE_FAILURE)),
            Trigger.CANCEL: Move(
                State.CANCELLING, (Action.RELEASE_UNICORN, Action.REQUEST_REFUND, Action.ANNOUNCE_CANCELLATION)
            ),
            Trigger.NO_SHOW: _NEVER_CONFIRMED,
            Trigger.DEADLINE: Move(
                State.FAILING, (Action.RELEASE_UNICORN, Action.REQUEST_REFUND, Action.ANNOUNCE_FAILURE)
            ),
            # A refund that payments began by themselves may overtake the failure that it follows.
            Trigger.REFUNDED: Move(State.PAYING, (Action.NOTE_REFUNDED,)),
            Trigger.REFUND_FAILED: Move(State.PAYING, (Action.NOTE_REFUND_FAILED,)),
            Trigger.RIDE_OVER: _NEVER_CONFIRMED,
        },
    ),
    State.CONFIRMED: Rules(
        "Paid, by card or on store credit; the unicorn comes.",
        compensation=(Action.RELEASE_UNICORN, Action.REQUEST_REFUND),
        on={
            Trigger.PLANNED: _PLANNED_ALREADY,
            Trigger.NO_UNICORN: _PLANNED_ALREADY,
            Trigger.PLANNING_FAILED: _PLANNED_ALREADY,
            Trigger.CAPTURED: Move(State.CONFIRMED, (Action.NOTE_CAPTURED,)),
            Trigger.ON_CREDIT: _COPY,
            Trigger.DECLINED: _DEBT_STAYS,
            Trigger.PAYMENT_FAILED: _DEBT_STAYS,
            Trigger.CANCEL: Move(
                State.CANCELLING, (Action.RELEASE_UNICORN, Action.REQUEST_REFUND, Action.ANNOUNCE_CANCELLATION)
            ),
            Trigger.NO_SHOW: Move(
                State.CANCELLING, (Action.RELEASE_UNICORN, Action.REQUEST_REFUND, Action.ANNOUNCE_CANCELLATION)
            ),
            Trigger.DEADLINE: _LATE_DEADLINE,
            Trigger.REFUNDED: _NO_REFUND_ASKED,
            Trigger.REFUND_FAILED: _NO_REFUND_ASKED,
            Trigger.RIDE_OVER: Move(State.COMPLETED, (Action.COMPLETE,)),
        },
    ),
    State.COMPLETED: Rules(
        "The ride took place.",
        on={
            Trigger.PLANNED: _OVER,
            Trigger.NO_UNICORN: _OVER,
            Trigger.PLANNING_FAILED: _OVER,
            Trigger.CAPTURED: Move(State.COMPLETED, (Action.NOTE_CAPTURED,)),
            Trigger.ON_CREDIT: _COPY,
            Trigger.DECLINED: _DEBT_STAYS,
            Trigger.PAYMENT_FAILED: _DEBT_STAYS,
            Trigger.CANCEL: Refuse("the ride has taken place"),
            Trigger.NO_SHOW: Refuse("the ride has taken place"),
            Trigger.DEADLINE: _LATE_DEADLINE,
            Trigger.REFUNDED: _NO_REFUND_ASKED,
            Trigger.REFUND_FAILED: _NO_REFUND_ASKED,
            Trigger.RIDE_OVER: _COPY,
        },
    ),
    State.CANCELLING: Rules(
        "Cancelled by the client, or missed by the rider; what is not kept of the payment is being taken back.",
        deadline=Deadline.CANCELLATION,
        on={
            Trigger.PLANNED: _PLANNED_ALREADY,
            Trigger.NO_UNICORN: _PLANNED_ALREADY,
            Trigger.PLANNING_FAILED: _PLANNED_ALREADY,
            Trigger.CAPTURED: Move(State.CANCELLING, (Action.REQUEST_REFUND,)),
            Trigger.ON_CREDIT: Move(State.CANCELLING, (Action.REQUEST_REFUND,)),
            Trigger.DECLINED: _TAKEN_BACK,
            Trigger.PAYMENT_FAILED: _TAKEN_BACK,
            Trigger.CANCEL: _COPY,
            Trigger.NO_SHOW: _COPY,
            Trigger.DEADLINE: Move(State.CANCELLED, (Action.END_CANCELLATION,)),
            Trigger.REFUNDED: Move(State.CANCELLED, (Action.NOTE_REFUNDED, Action.END_CANCELLATION)),
            Trigger.REFUND_FAILED: Move(State.CANCELLED, (Action.NOTE_REFUND_FAILED, Action.END_CANCELLATION)),
            Trigger.RIDE_OVER: _NO_RIDE,
        },
    ),
    State.CANCELLED: Rules(
        "Cancelled or missed; what is not kept as a fee is back, or on its way.",
        on={
            Trigger.PLANNED: _OVER,
            Trigger.NO_UNICORN: _OVER,
            Trigger.PLANNING_FAILED: _OVER,
            Trigger.CAPTURED: Move(State.CANCELLED, (Action.REQUEST_REFUND,)),
            Trigger.ON_CREDIT: Move(State.CANCELLED, (Action.REQUEST_REFUND,)),
            Trigger.DECLINED: _OVER,
            Trigger.PAYMENT_FAILED: _OVER,
            Trigger.CANCEL: _COPY,
            Trigger.NO_SHOW: _COPY,
            Trigger.DEADLINE: _LATE_DEADLINE,
            Trigger.REFUNDED: Move(State.CANCELLED, (Action.NOTE_REFUNDED,)),
            Trigger.REFUND_FAILED: Move(State.CANCELLED, (Action.NOTE_REFUND_FAILED,)),
            Trigger.RIDE_OVER: _NO_RIDE,
        },
    ),
    State.FAILING: Rules(
        "Failed for the client; the payment is being taken back.",
        deadline=Deadline.COMPENSATION,
        on={
            Trigger.PLANNED: _PLANNED_ALREADY,
            Trigger.NO_UNICORN: _PLANNED_ALREADY,
            Trigger.PLANNING_FAILED: _PLANNED_ALREADY,
            Trigger.CAPTURED: Move(State.FAILING, (Action.REQUEST_REFUND,)),
            Trigger.ON_CREDIT: Move(State.FAILING, (Action.REQUEST_REFUND,)),
            Trigger.DECLINED: _TAKEN_BACK,
            Trigger.PAYMENT_FAILED: _TAKEN_BACK,
            Trigger.CANCEL: Refuse("the booking has failed"),
            Trigger.NO_SHOW: Refuse("the booking has failed"),
            Trigger.DEADLINE: Move(State.FAILED),
            Trigger.REFUNDED: Move(State.FAILED, (Action.NOTE_REFUNDED,)),
            Trigger.REFUND_FAILED: Move(State.FAILED, (Action.NOTE_REFUND_FAILED,)),
            Trigger.RIDE_OVER: _NO_RIDE,
        },
    ),
    State.FAILED: Rules(
        "Failed; nothing is reserved, and what was charged is back, or on its way.",
        on={
            Trigger.PLANNED: _OVER,
            Trigger.NO_UNICORN: _OVER,
            Trigger.PLANNING_FAILED: _OVER,
            Trigger.CAPTURED: Move(State.FAILED, (Action.REQUEST_REFUND,)),
            Trigger.ON_CREDIT: Move(State.FAILED, (Action.REQUEST_REFUND,)),
            Trigger.DECLINED: _OVER,
            Trigger.PAYMENT_FAILED: _OVER,
            Trigger.CANCEL: Refuse("the booking has failed"),
            Trigger.NO_SHOW: Refuse("the booking has failed"),
            Trigger.DEADLINE: _LATE_DEADLINE,
            Trigger.REFUNDED: Move(State.FAILED, (Action.NOTE_REFUNDED,)),
            Trigger.REFUND_FAILED: Move(State.FAILED, (Action.NOTE_REFUND_FAILED,)),
            Trigger.RIDE_OVER: _NO_RIDE,
        },
    ),
}

FIRST = State.REQUESTED


def decide(state: State, trigger: Trigger) -> Decision:
    """The table's answer."""
    return TABLE[state].on[trigger]


def transitions() -> frozenset[tuple[State, State]]:
    """Every change of state that the table can make: what the database's trigger allows."""
    return frozenset(
        (state, decision.to)
        for state, rules in TABLE.items()
        for decision in rules.on.values()
        if isinstance(decision, Move) and decision.to != state
    )


def is_final(state: State) -> bool:
    """Whether no event leads out of `state`."""
    return all(source != state for source, _ in transitions())
