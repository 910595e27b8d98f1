"""Charges and refunds: every command of payments in every state, with a provider that is up, down or says no."""

import itertools
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from messaging.topology import Verdict
from payments import events
from payments.models import Charge, ChargeState, Refund, RefundState, Totals
from tests.payments.conftest import payment_simulator, provider  # noqa: F401  # fixtures
from tests.prospects.conftest import handle
from wildrydes.kernel.ids import new_id
from wildrydes.kernel.money import Money

pytestmark = pytest.mark.usefixtures("provider")
COMMANDS = {
    "payments.capture": events.CapturePayment,
    "payments.capture_credit": events.CaptureCredit,
    "payments.resolve_unknown": events.ResolveUnknown,
}
FARE = Money(1_250, "USD")
ACTS = {
    "payments.capture": {"pending", "calling", "processing", "on_credit"},
    "payments.capture_credit": {"pending", "calling", "processing", "on_credit"},
    "payments.resolve_unknown": {"in_doubt"},
}


def charge_in(state, *, late=False):
    """A charge that stands there, with totals that fit."""
    charge_id, booking_id = new_id(), new_id()
    on_credit, captured = state == ChargeState.ON_CREDIT, state == ChargeState.CAPTURED
    known = captured or state == ChargeState.PROCESSING
    charge = Charge.objects.create(
        id=charge_id, booking_id=booking_id, amount_minor=FARE.minor, currency=FARE.currency, source="tok_visa",
        idempotency_key=f"charge-{charge_id}", state=state, provider_ref="ch_1" if known else "",
        settled_at=timezone.now(), deadline_at=Now() + timedelta(seconds=-1 if late else 600),
    )  # fmt: skip
    Totals.objects.create(
        booking_id=booking_id, due_minor=FARE.minor if on_credit or captured else 0,
        credit_minor=FARE.minor if on_credit else 0, captured_minor=FARE.minor if captured else 0,
    )  # fmt: skip
    return charge


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_what_is_foreseen_of_a_charge_comes_true(provider, command):  # noqa: F811
    acted = set()
    for state, late in itertools.product(ChargeState, (False, True)):
        with transaction.atomic():
            charge = charge_in(state, late=late)
            judged = handle(command, COMMANDS[command](charge_id=charge.id))
            if judged.check((state, late)) is Verdict.ACT:
                acted.add(str(state))
                assert judged.prospect.money in (FARE, None)
                assert late or judged.prospect.money == FARE
            transaction.set_rollback(True)
    assert acted == ACTS[command]


@pytest.mark.parametrize("state", list(RefundState), ids=str)
def test_what_is_foreseen_of_a_refund_comes_true(provider, state):  # noqa: F811
    charge = charge_in(ChargeState.PENDING)
    handle("payments.capture", events.CapturePayment(charge_id=charge.id)).check()
    key = new_id()
    refund = Refund.objects.create(
        id=key, charge=charge, amount_minor=FARE.minor, currency=FARE.currency, reason="cancelled", state=state,
        idempotency_key=f"refund-{key}", provider_ref="re_1", settled_at=timezone.now(),
    )  # fmt: skip
    judged = handle("payments.refund", events.RefundPayment(refund_id=refund.id))
    done = state == RefundState.SUCCEEDED
    assert judged.check() is (Verdict.OBSOLETE if done else Verdict.ACT)
    assert judged.prospect.money == (None if done else FARE)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_charge_that_is_not_there(command):
    assert handle(command, COMMANDS[command](charge_id=new_id())).check() is Verdict.UNKNOWN


def test_a_refund_that_is_not_there():
    assert handle("payments.refund", events.RefundPayment(refund_id=new_id())).check() is Verdict.UNKNOWN
