"""The same through the engine that workers run: attempts, back-off, dead letters and their outcomes."""

import pytest
from django.db import transaction

from messaging.models import DeadLetter, Delivery
from messaging.services import send
from payments.events import CapturePayment
from payments.models import Charge
from tests.payments.conftest import FARE, Fare, published
from tests.payments.test_handlers import AND_BACK, BACK, NOTHING, ONE_CHARGE, OWED, PAID, _pass_deadline


def letters() -> list[tuple[str, str, bool]]:
    """Payments' dead letters; those of the ride, which does not exist here, are not ours."""
    ours = DeadLetter.objects.filter(handler__startswith="payments.").order_by("died_at")
    return list(ours.values_list("handler", "reason", "outcome_committed"))


def test_captured_and_refunded(provider, drain):
    fare = Fare()
    drain()
    assert (fare.state, fare.totals) == ("captured", PAID)
    fare.refund()
    drain()
    assert (fare.totals, provider.movements(fare.booking_id)) == (BACK, AND_BACK)
    assert not Delivery.objects.filter(handler__startswith="payments.").exists()


def test_every_kind_of_trouble_in_a_row_is_one_charge(provider, drain):
    fare = Fare()
    provider.script("timeout_before", "unavailable", "error_before", "drop_before", "error_after", operation="charge")
    provider.script("error_before", "timeout_before", "ok", "drop_before", operation="lookup")
    drain(include_delayed=True)
    assert fare.totals == PAID
    assert provider.movements(fare.booking_id) == ONE_CHARGE
    assert published(fare.booking_id) == ["payment.captured"]


def test_a_copied_command_is_one_charge(provider, drain):
    fare = Fare()
    charge = Charge.objects.get(booking_id=fare.booking_id)
    for _ in range(3):
        _send_again(charge)
    drain()
    assert fare.totals == PAID
    assert provider.movements(fare.booking_id) == ONE_CHARGE
    assert published(fare.booking_id) == ["payment.captured"]


def test_provider_down_until_attempts_run_out(provider, drain):
    fare = Fare()
    provider.dials(down="503", operations=["charge"])
    drain(include_delayed=True)
    assert (fare.state, fare.totals) == ("failed", NOTHING)
    assert letters() == [("payments.capture", "attempts", True)]
    assert published(fare.booking_id) == ["payment.failed"]


def test_a_charge_that_came_through_after_all_is_refunded_by_itself(provider, drain):
    fare = Fare()
    provider.script("timeout_after", operation="charge")
    drain()
    assert provider.movements(fare.booking_id) == ONE_CHARGE
    _pass_deadline(fare)
    provider.script("error_before", operation="lookup")
    drain(include_delayed=True)
    assert letters() == [("payments.capture", "rejected", True)]
    assert (fare.totals, provider.movements(fare.booking_id)) == (BACK, AND_BACK)
    assert published(fare.booking_id) == ["payment.failed", "payment.refunded"]


def test_store_credit_is_captured_when_the_provider_is_back(provider, drain, tenant_tier):
    tenant_tier(payment_failure_outcome="store_credit", store_credit_limit_minor=FARE.minor)
    fare = Fare()
    _pass_deadline(fare)
    provider.dials(down="drop")
    drain()
    assert (fare.state, fare.totals) == ("on_credit", OWED)
    assert letters() == [("payments.capture", "rejected", True)]
    provider.reset()
    drain(include_delayed=True)
    assert (fare.state, fare.totals) == ("captured", PAID)
    assert provider.movements(fare.booking_id) == ONE_CHARGE
    assert published(fare.booking_id) == ["payment.on_credit", "payment.captured"]


@pytest.mark.parametrize("source", ["tok_declined", "tok_visa"])
def test_a_declined_card_needs_no_dead_letter(provider, drain, source):
    fare = Fare(source=source)
    if source == "tok_visa":
        provider.script("decline", operation="charge")
    drain()
    assert fare.state == "declined"
    assert letters() == []


def _send_again(charge: Charge) -> None:
    with transaction.atomic():
        send(CapturePayment(charge_id=charge.id))
