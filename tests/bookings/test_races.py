"""Cancellation, capture, confirmation and deadline at the same moment: whoever comes first, one outcome, and it adds up."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.utils import timezone

from api.models import Operation
from bookings import services
from bookings.errors import CannotCancel
from bookings.models import Booking, RefundState
from bookings.saga import Deadline
from loyalty.selectors import balance_of
from messaging.consuming import deliver
from messaging.journal.models import Message
from messaging.models import DeadLetter, Delivery
from tenants.registry.context import enter_tenant
from tests.bookings.conftest import is_reserved
from wildrydes.kernel.ids import new_id

pytestmark = pytest.mark.usefixtures("committed", "ledger")
ROUNDS = 4


def _together(*steps: Callable[[], object]) -> list[object]:
    """Run the steps in threads that start at the same moment; answers what each answered or raised."""
    start = Barrier(len(steps))

    def run(step):
        try:
            start.wait(10)
            return step()
        except Exception as error:  # noqa: BLE001
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(run, steps))


def _next(handler):
    """The waiting deliveries of a handler."""
    return list(Delivery.objects.filter(handler=handler).values_list("id", flat=True))


def _cancel(tenant, booking):
    def step():
        with enter_tenant(tenant), transaction.atomic():
            return services.cancel_booking(booking_id=booking.id, correlation_id=new_id()).id

    return step


def _meet_deadline(tenant, booking):
    def step():
        with enter_tenant(tenant), transaction.atomic():
            services.meet_deadline(booking_id=booking.id, watches=Deadline.BOOKING)

    return step


def _work(handler):
    def step():
        for delivery in _next(handler):
            deliver(delivery)

    return step


def _check(booking, ledger):
    """Whatever the outcome, the money, the unicorn, the points and the operations tell the same story."""
    booking.refresh_from_db()
    movements = ledger.of(booking.id)
    charged = sum(amount for kind, status, amount in movements if (kind, status) == ("charge", "succeeded"))
    refunded = sum(amount for kind, status, amount in movements if (kind, status) == ("refund", "succeeded"))
    operation = Operation.objects.get(id=booking.operation_id)
    stands = booking.state == "confirmed"
    assert booking.state in ("confirmed", "cancelled", "failed")
    assert charged in (0, booking.fare_minor)
    assert charged - refunded == (booking.fare_minor if stands else 0)
    assert booking.refund_state == (RefundState.DONE if refunded else RefundState.NONE)
    assert is_reserved(booking) == stands
    assert balance_of(booking.user_id) == (booking.fare_minor // 100 if stands else 0)
    was_confirmed = booking.confirmed_at is not None
    ends = {"cancelled": "cancelled", "failed": "failed"}
    assert operation.status == ("succeeded" if was_confirmed else ends[booking.state])
    if booking.cancel_operation_id and booking.state == "cancelled":
        assert Operation.objects.get(id=booking.cancel_operation_id).status == "succeeded"
    told = Message.objects.filter(correlation_id=booking.correlation_id, topic__startswith="booking.")
    topics = list(told.order_by("id").values_list("topic", flat=True))
    expected = {"confirmed": [], "cancelled": ["booking.cancelled"], "failed": ["booking.failed"]}[booking.state]
    assert topics == ["booking.confirmed"] * was_confirmed + expected


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_cancel_and_capture_and_confirmation(round_, tenant, ask, add_unicorn, drain, ledger):
    with enter_tenant(tenant):
        add_unicorn()
        booking = ask(pickup_at=timezone.now() + timedelta(hours=2))
        with transaction.atomic():
            services.plan_ride(booking_id=booking.id)
        if round_ % 2:
            _work("payments.capture")()
            rival = _work("bookings.payment_captured")
        else:
            rival = _work("payments.capture")
        answers = _together(_cancel(tenant, booking), rival)
        assert isinstance(answers[0], uuid.UUID), answers
        drain()
        _check(booking, ledger)
        assert booking.state == "cancelled"
        assert not DeadLetter.objects.exists()


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_cancel_and_deadline_and_confirmation(round_, tenant, ask, add_unicorn, drain, ledger):
    with enter_tenant(tenant):
        add_unicorn()
        booking = ask(pickup_at=timezone.now() + timedelta(hours=2))
        with transaction.atomic():
            services.plan_ride(booking_id=booking.id)
        _work("payments.capture")()
        answers = _together(
            _cancel(tenant, booking), _meet_deadline(tenant, booking), _work("bookings.payment_captured")
        )
        assert isinstance(answers[0], uuid.UUID | CannotCancel), answers
        assert answers[1:] == [None, None]
        drain()
        _check(booking, ledger)
        assert isinstance(answers[0], CannotCancel) == (booking.state == "failed")
        assert not DeadLetter.objects.exists()


def test_sixteen_cancellations_are_one(tenant, ask, add_unicorn, drain, ledger):
    with enter_tenant(tenant):
        add_unicorn()
        booking = ask(pickup_at=timezone.now() + timedelta(hours=2))
        drain()
        answers = _together(*[_cancel(tenant, booking)] * 16)
        assert len(set(answers)) == 1, answers
        drain()
        _check(booking, ledger)
        assert booking.state == "cancelled"


def test_copies_of_every_message_at_once(tenant, ask, add_unicorn, drain, ledger):
    with enter_tenant(tenant):
        add_unicorn()
        booking = ask()
        for handler in ("bookings.plan_ride", "payments.capture", "bookings.payment_captured"):
            deliveries = _next(handler)
            assert len(deliveries) == 1
            _together(*[lambda: deliver(deliveries[0])] * 4)  # noqa: B023  # used up within the round
        drain()
        _check(booking, ledger)
        assert booking.state == "confirmed"
        assert Booking.objects.count() == 1
