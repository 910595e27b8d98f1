import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from payments import services
from payments.domain import UnableToRefund
from payments.models import Charge, ChargeState, Refund, Totals
from payments.selectors import payment_of
from payments.services.totals import move_captured, move_refunded
from tenants.registry.context import enter_tenant
from tests.payments.conftest import FARE, Fare, last_event, sent
from wildrydes.kernel.errors import InvalidInput
from wildrydes.kernel.money import Money


class TestRequestCapture:
    def test_once_per_booking(self, in_tenant):
        fare = Fare()
        key, commands = Charge.objects.get(booking_id=fare.booking_id).idempotency_key, sent("payments.capture")
        with transaction.atomic():
            services.request_capture(
                booking_id=fare.booking_id, amount=FARE, source="tok_visa", deadline=timedelta(minutes=1)
            )
        assert Charge.objects.get(booking_id=fare.booking_id).idempotency_key == key
        assert sent("payments.capture") == commands

    @pytest.mark.parametrize(
        "wrong", [{"amount": Money(0, "USD")}, {"source": "4242424242424242"}, {"source": "tok_visa'; --"}]
    )
    def test_impossible_requests_leave_nothing(self, in_tenant, wrong):
        booking_id = uuid.uuid4()
        arguments = {"amount": FARE, "source": "tok_visa", "deadline": timedelta(minutes=1), **wrong}
        with pytest.raises(InvalidInput), transaction.atomic():
            services.request_capture(booking_id=booking_id, **arguments)
        assert payment_of(booking_id) is None


class TestRequestRefund:
    def test_of_a_booking_that_was_never_charged(self, in_tenant):
        booking_id = uuid.uuid4()
        with transaction.atomic():
            services.request_refund(booking_id=booking_id, amount=FARE, reason="cancelled")
        assert last_event(booking_id) == {
            "booking_id": str(booking_id),
            "refund_id": None,
            "amount_minor": 0,
            "currency": "USD",
        }

    @pytest.mark.parametrize("amount", [Money(FARE.minor + 1, "USD"), Money(FARE.minor, "EUR"), Money(0, "USD")])
    def test_never_more_than_was_charged(self, in_tenant, amount):
        fare = Fare()
        with pytest.raises(UnableToRefund):
            fare.refund(amount)


class TestPaymentOf:
    def test_shows_state_and_totals(self, in_tenant):
        fare = Fare()
        payment = payment_of(fare.booking_id)
        assert payment.state == ChargeState.PENDING
        assert (payment.amount, payment.due) == (FARE, Money(0, "USD"))

    def test_of_another_tenant_is_not_seen(self, in_tenant, other_tenant):
        fare = Fare()
        with enter_tenant(other_tenant):
            assert payment_of(fare.booking_id) is None


class TestTheDatabaseSaysNo:
    """The constraints, tried directly: no code of ours gets around them."""

    @pytest.mark.parametrize(
        ("amounts", "constraint"),
        [
            ({"captured_minor": 1}, "totals_balance"),
            ({"due_minor": 1}, "totals_balance"),
            ({"due_minor": -1, "refunded_minor": 1}, "totals_are_not_negative"),
            ({"credit_minor": 2, "refunded_minor": 1, "due_minor": 1}, "totals_refund_what_was_captured"),
            ({"captured_minor": 1, "credit_minor": 1, "due_minor": 2}, "totals_credit_or_captured"),
        ],
    )
    def test_totals(self, in_tenant, amounts, constraint):
        fare = Fare()
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            Totals.objects.filter(booking_id=fare.booking_id).update(**amounts)

    @pytest.mark.parametrize(
        ("values", "constraint"),
        [
            ({"state": "captured", "settled_at": "2030-01-01T00:00Z"}, "charge_known_at_provider"),
            ({"state": "failed"}, "charge_final_since"),
            ({"state": "whatever", "settled_at": "2030-01-01T00:00Z"}, "charge_state_is_known"),
            ({"amount_minor": 0}, "charge_amount_is_positive"),
            (
                {"state": "on_credit", "refund_reason": "x", "settled_at": "2030-01-01T00:00Z"},
                "charge_credit_is_wanted",
            ),
        ],
    )
    def test_charges(self, in_tenant, values, constraint):
        fare = Fare()
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            Charge.objects.filter(booking_id=fare.booking_id).update(**values)

    def test_a_second_charge_of_a_booking(self, in_tenant):
        fare = Fare()
        first = Charge.objects.get(booking_id=fare.booking_id)
        first.pk, first.idempotency_key = uuid.uuid4(), "another"
        with pytest.raises(IntegrityError, match="booking_id"), transaction.atomic():
            first.save(force_insert=True)

    def test_refunding_twice_does_not_balance(self, in_tenant):
        fare = Fare()
        charge = Charge.objects.get(booking_id=fare.booking_id)
        move_captured(charge, ref="ch_1")
        refund = Refund.objects.create(
            charge=charge, amount_minor=FARE.minor, currency="USD", reason="r", idempotency_key="refund-1"
        )
        move_refunded(refund, ref="re_1")
        refund.id = uuid.uuid4()
        with pytest.raises(IntegrityError, match="totals_"), transaction.atomic():
            move_refunded(refund, ref="re_2")


@pytest.mark.parametrize("of", ["tenant", "user"])
def test_credit_is_not_given_twice_to_rides_that_fail_at_once(committed, in_tenant, tenant_tier, of):
    limits = {"store_credit_limit_minor": 2 * FARE.minor}
    if of == "user":
        limits = {"store_credit_limit_minor": 10**9, "store_credit_user_limit_minor": 2 * FARE.minor}
    tenant_tier(payment_failure_outcome="store_credit", **limits)
    somebody = uuid.uuid4()
    fares = [Fare(user_id=somebody) for _ in range(6)]

    def give_up(fare):
        try:
            with enter_tenant(in_tenant):
                fare.capture.die()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(fares)) as pool:
        list(pool.map(give_up, fares))
    assert sorted(fare.state for fare in fares) == ["failed"] * 4 + ["on_credit"] * 2
    assert sum(fare.totals[2] for fare in fares) == 2 * FARE.minor
