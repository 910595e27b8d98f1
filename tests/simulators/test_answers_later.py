"""The payment provider's other kind: 202 now, the end on the customer's webhook."""

import json

import pytest
import stripe

from tests.payments.postbox import Letter, postbox
from tests.simulators.conftest import Customer, Simulator
from tests.support.crew import eventually

SECRET = "whsec_0123456789abcdef"
LATER = {"Prefer": "respond-async"}


def subscribe(customer: Customer, url: str) -> None:
    assert customer.call("PUT", "/v1/webhook", {"url": url, "secret": SECRET}).status == 200


def charge(customer: Customer, key: str = "k", **changes: object) -> dict[str, object]:
    body = {"amount": 1250, "currency": "USD", "source": "tok_visa", "reference": "booking-1", **changes}
    answer = customer.call("POST", "/v1/charges", body, Idempotency_Key=key, **LATER)
    assert answer.status == 202
    row: dict[str, object] = answer.json()
    return row


def types(letters: list[Letter]) -> list[str]:
    return [json.loads(letter.body)["type"] for letter in letters]


def test_it_is_decided_and_told(customer: Customer) -> None:
    customer.dials(settle_ms=0)
    with postbox() as box:
        subscribe(customer, box.url)
        row = charge(customer)
        assert (row["status"], row["decline_code"]) == ("processing", None)
        letters = box.wait_for(2)
    assert types(letters) == ["charge.processing", "charge.succeeded"]
    for letter in letters:
        [header] = letter.headers.values()
        stripe.WebhookSignature.verify_header(letter.body, header, SECRET, 60)
    found = customer.call("GET", f"/v1/charges/{row['id']}").json()
    assert found["status"] == "succeeded"


def test_nothing_is_summed_before_it_is_decided(customer: Customer) -> None:
    customer.dials(settle_ms=600_000)
    charge(customer)
    ledger = customer.ledger()
    assert [row["status"] for row in ledger["movements"]] == ["processing"]
    assert [total["charged"] for total in ledger["totals"]] == [0]
    charge(customer)
    assert len(customer.ledger()["movements"]) == 1, "a twin is the same charge"
    assert customer.refund(customer.ledger()["movements"][0]["id"], 1).status == 422


@pytest.mark.parametrize(("source", "end"), [("tok_visa", "succeeded"), ("tok_declined_expired_card", "declined")])
def test_what_was_taken_on_survives_a_kill(payments: Simulator, customer: Customer, source: str, end: str) -> None:
    customer.dials(settle_ms=300)
    row = charge(customer, source=source)
    payments.end(kill=True)
    payments.start()

    def status() -> str:
        return str(customer.call("GET", f"/v1/charges/{row['id']}").json()["status"])

    eventually(lambda: status() == end, within=10)


@pytest.mark.parametrize(
    ("misdeed", "told"),
    [
        ("ok", ["charge.processing", "charge.succeeded"]),
        ("duplicate", ["charge.processing", *["charge.succeeded"] * 3]),
        ("reorder", ["charge.succeeded", "charge.processing"]),
        ("forge", ["charge.declined", "charge.processing", "charge.succeeded"]),
    ],
)
def test_misdeeds(customer: Customer, misdeed: str, told: list[str]) -> None:
    customer.dials(settle_ms=0)
    customer.script(misdeed, operation="notify_charge")
    with postbox() as box:
        subscribe(customer, box.url)
        charge(customer)
        assert types(box.wait_for(len(told))) == told


def test_dials_of_one_operation(payments: Simulator, customer: Customer) -> None:
    customer.dials(settle_ms=0)
    path = f"/dials/{customer.name}/notify_charge"
    assert payments.call("PUT", path, {"notify_lose_rate": 1}).status == 200
    with postbox() as box:
        subscribe(customer, box.url)
        row = charge(customer)
        box.wait_for(1)
        eventually(lambda: customer.call("GET", f"/v1/charges/{row['id']}").json()["status"] == "succeeded", within=10)
        assert types(box.letters) == ["charge.processing"]
    assert payments.call("GET", path).json()["dials"]["notify_lose_rate"] == 1
    assert payments.call("GET", f"/dials/{customer.name}").json()["dials"]["notify_lose_rate"] == 0
    assert payments.call("PUT", f"/dials/{customer.name}/nonsense", {}).status == 422


@pytest.mark.parametrize("body", [{}, {"url": "ftp://x", "secret": SECRET}, {"url": "http://x", "secret": "short"}])
def test_what_is_no_webhook(customer: Customer, body: dict[str, str]) -> None:
    assert customer.call("PUT", "/v1/webhook", body).status == 422
    assert customer.call("GET", "/v1/webhook").status == 404
