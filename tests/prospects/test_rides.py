"""The ride: every message of bookings in every state of the saga, overdue or not, paid and refunded in every way."""

import itertools
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from api.events import OperationCancelRequested
from bookings import events
from bookings.models import Booking, RefundState
from bookings.saga import Deadline, State
from messaging.topology import Verdict
from payments import events as payments
from payments.models import Charge, Totals
from tests.prospects.conftest import handle
from wildrydes.kernel.ids import new_id

pytestmark = pytest.mark.usefixtures("in_tenant")


MESSAGES = {
    "bookings.plan_ride": lambda b: events.PlanRide(booking_id=b.id),
    "bookings.complete_ride": lambda b: events.CompleteRide(booking_id=b.id),
    "bookings.payment_captured": lambda b: payments.PaymentCaptured(
        booking_id=b.id, charge_id=b.id, amount_minor=b.fare_minor, currency=b.currency
    ),
    "bookings.payment_on_credit": lambda b: payments.PaymentOnCredit(
        booking_id=b.id, amount_minor=b.fare_minor, currency=b.currency
    ),
    "bookings.payment_declined": lambda b: payments.PaymentDeclined(booking_id=b.id, code="expired_card"),
    "bookings.payment_failed": lambda b: payments.PaymentFailed(booking_id=b.id, reason="down"),
    "bookings.payment_refunded": lambda b: payments.PaymentRefunded(
        booking_id=b.id, refund_id=None, amount_minor=b.fare_minor, currency=b.currency
    ),
    "bookings.refund_failed": lambda b: payments.RefundFailed(booking_id=b.id, reason="down"),
    "bookings.operation_cancel_requested": lambda b: OperationCancelRequested(
        operation_id=b.operation_id, kind="booking", resource_id=b.id, user_id=b.user_id
    ),
}
DEADLINES = {
    f"bookings.meet_deadline {watches}": lambda b, watches=watches: events.BookingDeadline(
        booking_id=b.id, watches=watches
    )
    for watches in Deadline
}
CASES = MESSAGES | DEADLINES
# How it was paid, what became of the refund, the charge's state, and whether the booking's time is over.
WAYS = [
    *itertools.product(("card",), ("none", "done", "owed"), ("captured",), (False,)),
    ("store_credit", "none", "on_credit", False),
    ("card", "none", "captured", True),
    ("card", "none", "calling", False),
]


@pytest.fixture
def anywhere(ask):
    """A ride whose state the database lets us choose."""
    booking = ask()
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE bookings_booking DISABLE TRIGGER USER")
    return booking


def put(booking, state, paid_by, refund_state, charge, overdue):
    """Put a ride where it did not get by itself."""
    Booking.objects.filter(id=booking.id).update(
        state=state, unicorn_id=new_id(), confirmed_at=Now(), paid_by=paid_by, refund_state=refund_state,
        refund_requested_at=None if refund_state == RefundState.NONE else Now(),
        deadline_at=Now() + timedelta(seconds=-1 if overdue else 600),
    )  # fmt: skip
    if charge is not None:
        key = f"charge-{booking.id}"
        Charge.objects.create(
            booking_id=booking.id, amount_minor=booking.fare_minor, currency=booking.currency, source="tok_visa",
            idempotency_key=key, state=charge, provider_ref="ch_1", deadline_at=timezone.now(), settled_at=timezone.now(),
        )  # fmt: skip
        covered = {"captured": "captured_minor", "on_credit": "credit_minor"}.get(charge)
        sums = {"due_minor": booking.fare_minor, covered: booking.fare_minor} if covered else {}
        Totals.objects.create(booking_id=booking.id, **sums)
    booking.refresh_from_db()


@pytest.mark.parametrize("case", sorted(CASES))
def test_what_is_foreseen_of_a_ride_comes_true(anywhere, case):
    booking = anywhere
    verdicts = set()
    for state, way in itertools.product(State, WAYS):
        with transaction.atomic():
            put(booking, state, *way)
            verdicts.add(handle(case.split()[0], CASES[case](booking)).check((state, way)))
            transaction.set_rollback(True)
    assert Verdict.ACT in verdicts
    assert verdicts - {Verdict.ACT}


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_without_a_booking(ask, name):
    booking = ask()
    booking.id = new_id()
    handle(name, MESSAGES[name](booking)).check()


def test_the_money_that_goes_back_is_told(anywhere):
    booking = anywhere
    put(booking, "paying", "card", "none", "captured", False)
    judged = handle("bookings.operation_cancel_requested", MESSAGES["bookings.operation_cancel_requested"](booking))
    assert judged.prospect.money.minor == booking.fare_minor
    assert "take the payment back" in judged.prospect.summary


def test_a_deadline_of_a_kind_that_is_not_known_would_fail(ask):
    judged = handle("bookings.meet_deadline", events.BookingDeadline(booking_id=ask().id, watches="the moon"))
    assert judged.check() is Verdict.UNKNOWN
