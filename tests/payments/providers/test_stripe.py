"""What is Stripe's own: intents whose id is committed before they are confirmed, kept failures, its notifications."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from audit.services import Actor
from messaging.errors import OutcomeUnknown, Reject
from messaging.models import Delivery
from payments.accounts.directory import access_of
from payments.accounts.services import AccountSettings, open_account
from payments.domain import Standing
from payments.models import Charge, Notification
from payments.providers.base import NotGenuine, NotUnderstood
from payments.providers.stripe import ADAPTER
from simulators.notifying import signature
from tests.payments.conftest import FARE, Fare, published
from tests.payments.postbox import postbox
from tests.payments.providers.conformance.conftest import STRIPE, Stage, simulators  # noqa: F401  # fixtures
from tests.payments.test_handlers import BACK, NOTHING, PAID
from wildrydes.kernel.http import AllowList, OutboundConfig, configure_outbound

SECRET = "whsec_of_the_stripe_tests"


@pytest.fixture
def stripe(simulators: Any, in_tenant: Any, settings: Any) -> Stage:  # noqa: F811
    """The tenant's account is at Stripe, set up as an operator would."""
    configure_outbound(OutboundConfig(allow=AllowList.parse("127.0.0.0/8")))
    settings.PAYMENT_PROVIDER_TIMEOUT_SECONDS = 0.7
    settings.PAYMENT_BREAKER_FAILURES = 1_000_000
    account = f"s{uuid.uuid4().hex}"
    url = simulators["stripe"].url
    wanted = AccountSettings(
        base_url=url, api_key=f"sk_test_{account}", webhook_secret=SECRET, company_source="pm_card_visa"
    )
    opened = open_account(tenant_id=in_tenant.id, provider="stripe", wanted=wanted, actor=Actor.command())
    stage = Stage(STRIPE, simulators["stripe"], access_of(in_tenant, opened.id), account)
    stage.dials(settle_ms=20)
    return stage


def charge_of(fare: Fare) -> Charge:
    return Charge.objects.get(booking_id=fare.booking_id)


def test_a_ride_s_fare(stripe, drain):
    fare = Fare(source="tok_company")
    drain()
    assert (fare.state, fare.totals) == ("captured", PAID)
    assert charge_of(fare).provider == "stripe"
    assert charge_of(fare).provider_ref.startswith("pi_")
    fare.refund()
    drain()
    assert fare.totals == BACK
    assert stripe.movements() == [("charge", FARE.minor, "USD"), ("refund", FARE.minor, "USD")]


def test_the_intents_id_is_committed_before_it_is_confirmed(stripe):
    fare = Fare(source="pm_card_visa")
    stripe.script("timeout_before", step="charge")
    with pytest.raises(OutcomeUnknown):
        fare.capture.run()
    assert (fare.state, fare.totals) == ("calling", NOTHING)
    ref = charge_of(fare).provider_ref
    assert ref.startswith("pi_")
    fare.capture.run()
    assert (fare.state, charge_of(fare).provider_ref) == ("captured", ref)


def test_a_worker_that_dies_between_making_and_committing(stripe):
    """The same key gives the same intent."""
    order, seen = stripe.order(), []

    class Died(BaseException):
        pass

    def die(ref: str) -> None:
        seen.append(ref)
        raise Died

    for _ in range(2):
        with pytest.raises(Died):
            stripe.provider.charge(order, remember=die)
    assert stripe.movements() == []
    assert stripe.find(order) is None
    assert stripe.charge(order).ref == seen[0] == seen[1]


def test_a_second_intent_is_never_confirmed(stripe):
    """Stripe forgets keys after a day; what the books remember goes first."""
    fare = Fare(source="pm_card_visa")
    fare.capture.prepare()
    Charge.objects.filter(booking_id=fare.booking_id).update(provider_ref="pi_of_yesterday")
    with pytest.raises(Reject):
        fare.capture.run()
    assert stripe.movements() == []


def test_what_was_taken_and_not_committed_is_found_by_its_key(stripe):
    """As after a restore of our database from before the charge."""
    order, answer = stripe.captured()
    assert stripe.provider.find_charge(replace(order, ref="")) == answer


@pytest.mark.parametrize("operation", ["create", "refund"])
def test_a_failure_that_stripe_keeps_and_repeats(stripe, operation):
    _, charge = stripe.captured()
    order, refund = stripe.order(), stripe.refund_order(charge.ref, 400)
    body = {"outcomes": ["error_before"], "account": stripe.account, "operation": operation}
    stripe.simulator.call("POST", "/dials/next", body)

    def ask() -> Any:
        return stripe.charge(order) if operation == "create" else stripe.provider.refund(refund)

    with pytest.raises(OutcomeUnknown):
        ask()
    assert ask().standing is Standing.SUCCEEDED
    assert len(stripe.movements()) == 2


def test_what_stripe_decides_later(stripe, drain):
    fare = Fare(source="pm_card_visa_later")
    drain()
    assert fare.state == "processing"
    drain(include_delayed=True)
    assert fare.state in ("processing", "captured")
    stripe.dials(settle_ms=0)
    stripe.decided(stripe.with_ref(replace(stripe.order(), idempotency_key=charge_of(fare).idempotency_key,
                                           amount_minor=FARE.minor, ref=charge_of(fare).provider_ref)))  # fmt: skip
    drain(include_delayed=True)
    assert (fare.state, fare.totals) == ("captured", PAID)


@pytest.fixture
def notified(stripe: Stage) -> Iterator[Any]:
    with postbox() as box:
        answer = stripe.simulator.call(
            "PUT",
            "/simulator/webhook",
            {"url": box.url, "secret": SECRET},
            Authorization=f"Bearer sk_test_{stripe.account}",
        )
        assert answer.status == 200
        yield box


def test_its_notifications(stripe, notified, drain):
    """The worker's answer was lost after the charge: the notification brings it before any look-up is due."""
    stripe.script("timeout_after", step="charge")
    fare = Fare(source="pm_card_visa")
    with pytest.raises(OutcomeUnknown):
        fare.capture.run()
    assert fare.state == "calling"
    Delivery.objects.filter(handler="payments.capture").delete()
    path = f"/api/webhooks/payments/stripe/{stripe.access.account_id}"
    for letter in notified.wait_for(2):
        headers = {"host": "localhost", **letter.headers}
        assert Client().post(path, letter.body, content_type="application/json", headers=headers).status_code == 200
    drain()
    assert (fare.state, published(fare.booking_id)) == ("captured", ["payment.captured"])
    assert {*Notification.objects.values_list("about", flat=True)} == {"charge"}


class TestReadingNotifications:
    def test_another_secret(self, stripe):
        with pytest.raises(NotGenuine):
            ADAPTER.read_notification(
                stripe.access, b"{}", {"stripe-signature": signature(b"{}", "whsec_of_nobody_at_all")}
            )

    @pytest.mark.parametrize(
        "body", [b"", b"[]", b"{}", b'{"id": "evt_1"}', b'{"id":"evt_1","type":"x","data":[]}', b"\xff"]
    )
    def test_no_event(self, stripe, body):
        with pytest.raises((NotUnderstood, NotGenuine)):
            ADAPTER.read_notification(stripe.access, body, {"stripe-signature": signature(body, SECRET)})

    def test_an_event_about_something_else(self, stripe):
        body = json.dumps({"id": "evt_1", "type": "payout.paid", "data": {"object": {"object": "payout"}}}).encode()
        notice = ADAPTER.read_notification(stripe.access, body, {"stripe-signature": signature(body, SECRET)})
        assert (notice.about, notice.key) == ("other", "")
