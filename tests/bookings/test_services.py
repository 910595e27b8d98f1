"""The ride through the real handlers, against the real payment simulator."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from api.models import Operation
from api.services import expire_operation
from bookings import services
from bookings.errors import CannotCancel
from bookings.models import Booking, RefundState
from bookings.saga import Deadline
from fleet.models import UnicornPosition
from loyalty.selectors import balance_of
from messaging.consuming import deliver
from messaging.journal.models import Message, Trace
from messaging.models import DeadLetter, Delivery
from payments.models import Charge
from tests.bookings.conftest import is_reserved
from wildrydes.kernel.errors import InvalidInput, NotFound
from wildrydes.kernel.ids import new_id

pytestmark = pytest.mark.usefixtures("in_tenant", "ledger")


def _seen(booking):
    booking.refresh_from_db()
    return booking


def _operation(booking):
    return Operation.objects.get(id=booking.operation_id)


def _published(booking):
    """The events about the booking, oldest first."""
    rows = Message.objects.filter(correlation_id=booking.correlation_id, topic__startswith="booking.")
    return list(rows.order_by("id").values_list("topic", flat=True))


def _plan(booking):
    """The ride up to where the payment has been asked for, its message still waiting."""
    with transaction.atomic():
        services.plan_ride(booking_id=booking.id)
    Delivery.objects.filter(handler="bookings.plan_ride").delete()


def _run_only(handler):
    """Let the deliveries of one handler run, and no others."""
    for delivery in Delivery.objects.filter(handler=handler):
        deliver(delivery.id)


def _cancel(booking):
    with transaction.atomic():
        return services.cancel_booking(booking_id=booking.id, correlation_id=new_id())


def _meet(booking, watches):
    with transaction.atomic():
        services.meet_deadline(booking_id=booking.id, watches=watches)


def test_a_ride_is_confirmed_paid_once_and_rewarded(ask, add_unicorn, drain, ledger):
    unicorn = add_unicorn()
    booking = ask(reference="CC-4711")
    assert booking.state == "requested"
    assert _operation(booking).status == "accepted"
    drain()
    assert _seen(booking).state == "confirmed"
    assert booking.unicorn_id == unicorn.id
    assert booking.paid_by == "card"
    assert booking.expected_pickup_at >= booking.pickup_at
    assert ledger.of(booking.id) == [("charge", "succeeded", booking.fare_minor)]
    operation = _operation(booking)
    assert operation.status == "succeeded"
    assert operation.result["id"] == str(booking.id)
    assert operation.result["state"] == "confirmed"
    assert operation.result["unicorn"]["name"] == "Nimbus"
    assert [step["name"] for step in operation.steps] == ["planned"]
    assert balance_of(booking.user_id) == booking.fare_minor // 100
    assert _published(booking) == ["booking.confirmed"]


def test_the_whole_ride_shares_one_correlation_id(ask, add_unicorn, drain):
    add_unicorn()
    booking = ask()
    drain()
    topics = set(Message.objects.filter(correlation_id=booking.correlation_id).values_list("topic", flat=True))
    assert {"bookings.plan_ride", "payments.capture", "payment.captured", "booking.confirmed"} <= topics


def test_a_cancellation_and_its_refund_are_part_of_the_rides_story(ask, add_unicorn, drain):
    add_unicorn()
    booking = ask()
    drain()
    operation = _cancel(booking)
    drain(include_delayed=True)
    assert _seen(booking).refund_state == RefundState.DONE
    since = Message.objects.filter(occurred_at__gte=booking.requested_at)
    strangers = since.exclude(correlation_id=booking.correlation_id)
    # Only the net under the cancellation's own operation belongs to the request that made it.
    assert set(strangers.values_list("topic", "correlation_id")) <= {("operation.expire", operation.correlation_id)}
    topics = set(Message.objects.filter(correlation_id=booking.correlation_id).values_list("topic", flat=True))
    assert {"booking.cancelled", "payments.refund", "payment.refunded"} <= topics


def test_without_a_unicorn_nothing_is_charged(ask, drain, ledger):
    booking = ask()
    drain()
    assert _seen(booking).state == "failed"
    assert booking.failure_code == "no-unicorn-free"
    assert ledger.of(booking.id) == []
    assert _operation(booking).status == "failed"
    assert _operation(booking).error["type"].endswith("/no-unicorn-free")
    assert _published(booking) == ["booking.failed"]


def test_a_ride_waits_while_nobody_knows_where_the_unicorns_are(ask, add_unicorn, drain, ledger):
    add_unicorn()
    UnicornPosition.objects.update(reported_at=Now() - timedelta(minutes=5))
    booking = ask()
    drain()
    assert _seen(booking).state == "requested"
    waiting = Delivery.objects.get(handler="bookings.plan_ride", correlation_id=booking.correlation_id)
    assert (waiting.attempts, waiting.crashes) == (0, 0)
    UnicornPosition.objects.update(reported_at=Now())
    Delivery.objects.filter(id=waiting.id).update(not_before=Now())
    drain()
    assert _seen(booking).state == "confirmed"


def test_a_ride_that_waits_for_the_fleet_ends_by_its_deadline(ask, add_unicorn, drain, ledger):
    add_unicorn()
    UnicornPosition.objects.update(reported_at=Now() - timedelta(minutes=5))
    booking = ask()
    drain()
    Booking.objects.filter(id=booking.id).update(deadline_at=Now() - timedelta(seconds=1))
    _meet(_seen(booking), Deadline.BOOKING)
    assert _seen(booking).state == "failed"
    assert ledger.of(booking.id) == []


def test_a_unicorn_that_is_too_small_does_not_come(ask, add_unicorn, drain):
    add_unicorn(capacity=1)
    booking = ask(passengers=2)
    drain()
    assert _seen(booking).failure_code == "no-unicorn-free"


def test_one_unicorn_serves_one_of_two_rides(ask, add_unicorn, drain, ledger):
    add_unicorn()
    bookings = [ask(), ask()]
    drain()
    assert sorted(_seen(booking).state for booking in bookings) == ["confirmed", "failed"]


def test_a_declined_card_releases_the_unicorn(ask, add_unicorn, drain, ledger):
    add_unicorn()
    booking = ask(payment_source="tok_declined_expired_card")
    drain()
    assert _seen(booking).state == "failed"
    assert booking.failure_code == "payment-declined"
    assert "expired_card" in booking.failure_detail
    assert not is_reserved(booking)
    assert balance_of(booking.user_id) == 0


def test_a_provider_that_is_down_fails_a_basic_ride(ask, add_unicorn, ledger, drain):
    add_unicorn()
    booking = ask()
    _plan(booking)
    with transaction.atomic():
        services.payment_failed(booking_id=booking.id)
    assert _seen(booking).state == "failed"
    assert booking.failure_code == "payment-unavailable"
    assert not is_reserved(booking)


def test_a_ride_on_store_credit_is_confirmed_and_charged_later(ask, add_unicorn, drain):
    add_unicorn()
    booking = ask()
    _plan(booking)
    with transaction.atomic():
        services.payment_on_credit(booking_id=booking.id)
    assert _seen(booking).state == "confirmed"
    assert _operation(booking).result["paid_by"] == "store_credit"
    with transaction.atomic():
        services.payment_captured(booking_id=booking.id)
    assert _seen(booking).paid_by == "card"
    assert _published(booking) == ["booking.confirmed"]


def test_handlers_may_run_again(ask, add_unicorn, drain, ledger):
    add_unicorn()
    booking = ask()
    drain()
    for _ in range(2):
        with transaction.atomic():
            services.plan_ride(booking_id=booking.id)
            services.payment_captured(booking_id=booking.id)
            services.meet_deadline(booking_id=booking.id, watches=Deadline.BOOKING)
    drain()
    assert _seen(booking).state == "confirmed"
    assert len(ledger.of(booking.id)) == 1
    assert _published(booking) == ["booking.confirmed"]
    assert balance_of(booking.user_id) == booking.fare_minor // 100


def test_a_confirmed_ride_is_cancelled_refunded_released_and_its_points_taken_back(ask, add_unicorn, drain, ledger):
    add_unicorn()
    booking = ask(pickup_at=timezone.now() + timedelta(hours=2))
    drain()
    operation = _cancel(booking)
    assert _seen(booking).state == "cancelling"
    assert not is_reserved(booking)
    drain()
    assert _seen(booking).state == "cancelled"
    assert booking.refund_state == RefundState.DONE
    fare = booking.fare_minor
    assert ledger.of(booking.id) == [("charge", "succeeded", fare), ("refund", "succeeded", fare)]
    assert balance_of(booking.user_id) == 0
    operation.refresh_from_db()
    assert operation.status == "succeeded"
    assert operation.result["refund"] == "done"
    assert _operation(booking).status == "succeeded"  # a final state never changes
    assert _published(booking) == ["booking.confirmed", "booking.cancelled"]


def test_a_requested_ride_is_cancelled_at_once(ask, add_unicorn, drain, ledger):
    add_unicorn()
    booking = ask()
    operation = _cancel(booking)
    assert _seen(booking).state == "cancelled"
    assert operation.id == booking.cancel_operation_id
    assert Operation.objects.get(id=operation.id).status == "succeeded"
    assert _operation(booking).status == "cancelled"
    drain()
    assert _seen(booking).state == "cancelled"
    assert ledger.of(booking.id) == []
    assert not is_reserved(booking)
    assert booking.refund_state == RefundState.NONE


def test_a_ride_cancelled_before_its_capture_is_never_charged(ask, add_unicorn, drain, ledger):
    add_unicorn()
    booking = ask()
    _plan(booking)
    _cancel(booking)
    drain()
    assert _seen(booking).state == "cancelled"
    assert ledger.of(booking.id) == []
    assert booking.refund_state == RefundState.NONE


def test_a_capture_that_comes_after_the_cancellation_goes_back(ask, add_unicorn, drain, ledger):
    add_unicorn()
    booking = ask()
    _plan(booking)
    _run_only("payments.capture")
    _cancel(booking)  # charged, and the ride has not heard of it yet
    drain()
    assert _seen(booking).state == "cancelled"
    assert booking.refund_state == RefundState.DONE
    fare = booking.fare_minor
    assert ledger.of(booking.id) == [("charge", "succeeded", fare), ("refund", "succeeded", fare)]


def test_asking_to_cancel_twice_answers_the_same_operation(ask, add_unicorn, drain):
    add_unicorn()
    booking = ask(pickup_at=timezone.now() + timedelta(hours=2))
    drain()
    first = _cancel(booking)
    assert _cancel(booking).id == first.id
    drain()
    assert _cancel(booking).id == first.id


def test_after_the_pickup_nothing_can_be_cancelled(ask, add_unicorn, drain):
    add_unicorn()
    booking = ask()
    drain()
    Booking.objects.filter(id=booking.id).update(expected_pickup_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(CannotCancel, match="until then"):
        _cancel(booking)
    assert _seen(booking).state == "confirmed"
    assert booking.cancel_operation_id is None


def test_a_failed_or_unknown_ride_cannot_be_cancelled(ask, drain):
    booking = ask()
    drain()
    with pytest.raises(CannotCancel, match="has failed"):
        _cancel(booking)
    with pytest.raises(NotFound), transaction.atomic():
        services.cancel_booking(booking_id=new_id(), correlation_id=new_id())


def test_cancelling_by_the_operation_works_until_the_ride_is_decided(ask, add_unicorn, drain):
    add_unicorn()
    add_unicorn()
    early, late = ask(), ask()
    with transaction.atomic():
        services.cancel_by_operation(booking_id=early.id)
    drain()
    with transaction.atomic():
        services.cancel_by_operation(booking_id=late.id)
    drain()
    assert _seen(early).state == "cancelled"
    assert _operation(early).status == "cancelled"
    assert _seen(late).state == "confirmed"
    followed = _cancel(early)
    assert Operation.objects.get(id=followed.id).status == "succeeded"


def test_the_deadline_ends_a_ride_that_was_never_planned(ask, drain):
    booking = ask()
    _meet(booking, Deadline.BOOKING)
    assert _seen(booking).state == "failed"
    assert booking.failure_code == "booking-deadline"
    drain()
    assert _seen(booking).state == "failed"
    assert _published(booking) == ["booking.failed"]


def test_the_deadline_takes_back_a_capture_under_way(ask, add_unicorn, drain, ledger):
    add_unicorn()
    booking = ask()
    _plan(booking)
    _run_only("payments.capture")
    _meet(booking, Deadline.BOOKING)
    assert _seen(booking).state == "failing"
    assert _operation(booking).status == "failed"
    assert not is_reserved(booking)
    drain()
    assert _seen(booking).state == "failed"
    assert booking.refund_state == RefundState.DONE
    assert [kind for kind, *_ in ledger.of(booking.id)] == ["charge", "refund"]
    assert _published(booking) == ["booking.failed"]


def _let_time_pass(booking):
    """As if workers had been away until the booking's deadline was over."""
    Booking.objects.filter(id=booking.id).update(deadline_at=timezone.now() - timedelta(seconds=1))


def test_a_plan_that_comes_after_the_deadline_reserves_and_charges_nothing(ask, add_unicorn, drain, ledger):
    add_unicorn()
    booking = ask()
    _let_time_pass(booking)
    drain()
    assert _seen(booking).failure_code == "booking-deadline"
    assert booking.state == "failed"
    assert not is_reserved(booking)
    assert ledger.of(booking.id) == []


def test_a_capture_heard_of_after_the_deadline_goes_back(ask, add_unicorn, drain, ledger):
    add_unicorn()
    booking = ask()
    _plan(booking)
    _run_only("payments.capture")
    _let_time_pass(booking)
    expire_operation(operation_id=booking.operation_id)  # the client has been told that there is no ride
    drain()
    assert _seen(booking).state == "failed"
    assert booking.refund_state == RefundState.DONE
    assert [kind for kind, *_ in ledger.of(booking.id)] == ["charge", "refund"]
    assert _operation(booking).status == "expired"
    assert _published(booking) == ["booking.failed"]


def test_a_confirmed_ride_has_no_deadline_any_more(ask, add_unicorn, drain):
    add_unicorn()
    booking = ask()
    drain()
    _let_time_pass(booking)
    with transaction.atomic():
        services.payment_captured(booking_id=booking.id)
    assert _seen(booking).state == "confirmed"


def test_a_deadline_of_another_phase_does_nothing(ask, add_unicorn, drain):
    add_unicorn()
    booking = ask(pickup_at=timezone.now() + timedelta(hours=2))
    drain()
    _cancel(booking)
    _meet(booking, Deadline.BOOKING)
    assert _seen(booking).state == "cancelling"


def test_what_comes_too_late_says_that_there_was_nothing_to_do(ask, add_unicorn, drain):
    """A redriven letter of such a message answers `obsolete`."""
    add_unicorn()
    booking = ask()
    drain()
    delivery = Delivery.objects.get(handler="bookings.meet_deadline")
    Delivery.objects.filter(id=delivery.id).update(not_before=Now())
    deliver(delivery.id)
    plan = Trace.objects.get(handler="bookings.plan_ride")
    late = Trace.objects.get(id=delivery.id)
    assert (_seen(booking).state, plan.outcome, late.outcome) == ("confirmed", "done", "obsolete")


def test_the_deadline_is_sent_with_the_booking_and_with_the_cancellation(ask, add_unicorn, drain, in_tenant):
    add_unicorn()
    booking = ask(pickup_at=timezone.now() + timedelta(hours=2))
    drain()
    _cancel(booking)
    delays = [
        (row.not_before - row.created_at).total_seconds()
        for row in Delivery.objects.filter(handler="bookings.meet_deadline").order_by("id")
    ]
    allowed = in_tenant.tier.booking_deadline_seconds
    assert [round(delay) for delay in delays] == [allowed, allowed]


def test_a_cancellation_ends_by_its_deadline_when_the_refund_hangs(ask, add_unicorn, drain):
    add_unicorn()
    booking = ask(pickup_at=timezone.now() + timedelta(hours=2))
    drain()
    operation = _cancel(booking)
    _meet(booking, Deadline.CANCELLATION)
    assert _seen(booking).state == "cancelled"
    assert Operation.objects.get(id=operation.id).result["refund"] == "pending"
    drain()
    assert _seen(booking).refund_state == RefundState.DONE


def test_a_refund_that_cannot_be_made_is_owed(ask, add_unicorn, drain):
    add_unicorn()
    booking = ask(pickup_at=timezone.now() + timedelta(hours=2))
    drain()
    operation = _cancel(booking)
    with transaction.atomic():
        services.refund_failed(booking_id=booking.id)
    assert _seen(booking).refund_state == RefundState.OWED
    assert Operation.objects.get(id=operation.id).result["refund"] == "owed"
    with transaction.atomic():
        services.payment_refunded(booking_id=booking.id, amount_minor=booking.fare_minor)  # after staff redrove it
    assert _seen(booking).refund_state == RefundState.DONE


def test_a_ride_is_completed_when_its_time_is_over(ask, add_unicorn, drain):
    add_unicorn()
    booking = ask()
    drain()
    for _ in range(2):
        with transaction.atomic():
            services.complete_ride(booking_id=booking.id)
    assert _seen(booking).state == "completed"
    assert _published(booking) == ["booking.confirmed", "booking.completed"]
    with pytest.raises(CannotCancel, match="taken place"):
        _cancel(booking)


def test_a_plan_that_cannot_be_made_fails_the_booking(ask, drain):
    booking = ask()
    with transaction.atomic():
        services.give_up_planning(booking_id=booking.id)
    assert _seen(booking).failure_code == "planning-failed"
    assert _operation(booking).status == "failed"


def test_a_payment_has_less_time_than_the_booking(ask, add_unicorn):
    add_unicorn()
    booking = ask()
    _plan(booking)
    charge = Charge.objects.get(booking_id=booking.id)
    assert charge.deadline_at < booking.deadline_at


@pytest.mark.parametrize(
    ("wishes", "pointer"),
    [
        ({"currency": "JPY"}, "/currency"),
        ({"reference": "a\x00b"}, "/reference"),
        ({"pickup_label": "a\nb"}, "/pickup/label"),
        ({"dropoff_label": "\ud800"}, "/dropoff/label"),
        ({"payment_source": "4242424242424242"}, "/payment_source"),
        ({"payment_source": ""}, "/payment_source"),
    ],
)
def test_what_cannot_be_is_refused_with_a_pointer_and_leaves_nothing(ask, wishes, pointer):
    with pytest.raises(InvalidInput) as refused:
        ask(**wishes)
    assert refused.value.errors[0]["pointer"] == pointer
    assert not Booking.objects.exists()
    assert not Operation.objects.exists()


def test_when_every_delayed_message_has_come_the_ride_is_completed_and_nothing_is_left(ask, add_unicorn, drain, ledger):
    add_unicorn()
    booking = ask()
    drain()
    drain(include_delayed=True)
    assert _seen(booking).state == "completed"
    assert not Delivery.objects.filter(correlation_id=booking.correlation_id).exists()
    assert not DeadLetter.objects.exists()
    assert len(ledger.of(booking.id)) == 1
    assert _published(booking) == ["booking.confirmed", "booking.completed"]


@pytest.mark.usefixtures("nothing_is_reread")
def test_each_hop_of_the_ride_costs_a_bounded_number_of_statements(
    ask, add_unicorn, drain, django_assert_max_num_queries
):
    add_unicorn()
    ask()
    with django_assert_max_num_queries(23):
        _run_only("bookings.plan_ride")
    _run_only("payments.capture")
    with django_assert_max_num_queries(17):
        _run_only("bookings.payment_captured")
