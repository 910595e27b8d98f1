from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.conftest import Customer, Simulator


def test_a_charge_and_its_look_ups(customer: Customer) -> None:
    made = customer.charge(key="k1", metadata={"tenant": "acme"})
    assert made.status == 201
    charge = made.json()
    assert (charge["object"], charge["status"], charge["amount"], charge["refunded"]) == (
        "charge",
        "succeeded",
        1250,
        0,
    )
    assert customer.call("GET", f"/v1/charges/{charge['id']}").json() == charge
    for query in ("reference=booking-1", "idempotency_key=k1", "reference=booking-1&idempotency_key=k1"):
        assert customer.call("GET", f"/v1/charges?{query}").json()["data"] == [charge]
    for query in ("reference=other", "idempotency_key=k2", "reference=other&idempotency_key=k1"):
        assert customer.call("GET", f"/v1/charges?{query}").json()["data"] == []


def test_a_key_repeats_its_answer_and_refuses_another_body(customer: Customer) -> None:
    first, second = customer.charge(key="k1"), customer.charge(key="k1")
    assert (second.status, second.json()) == (201, first.json())
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert customer.charge(key="k1", amount=1).status == 422
    assert customer.ledger()["totals"][0]["charged"] == 1250


def test_concurrent_twins_are_one_charge(customer: Customer) -> None:
    customer.dials(jitter_ms=30)
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: customer.charge(key="same").json()["id"], range(32)))
    assert len(set(answers)) == 1
    assert len(customer.ledger()["movements"]) == 1


def test_keys_of_different_accounts_do_not_meet(payments: Simulator) -> None:
    one, other = Customer(payments), Customer(payments)
    first, second = one.charge(key="k").json(), other.charge(key="k", amount=7).json()
    assert first["id"] != second["id"]
    assert other.call("GET", f"/v1/charges/{first['id']}").status == 404
    assert other.refund(first["id"], 1).status == 404


@pytest.mark.parametrize(
    ("source", "code"), [("tok_declined", "card_declined"), ("tok_declined_expired_card", "expired_card")]
)
def test_declined_cards(customer: Customer, source: str, code: str) -> None:
    charge = customer.charge(source=source).json()
    assert (charge["status"], charge["decline_code"]) == ("declined", code)
    assert customer.refund(charge["id"], 1).status == 422
    total = customer.ledger()["totals"][0]
    assert (total["charged"], total["declined"]) == (0, 1)


def test_refunds_never_pass_the_charge(customer: Customer) -> None:
    charge = customer.charge().json()["id"]
    first = customer.refund(charge, 1000, key="r1")
    assert first.status == 201
    assert customer.refund(charge, 1000, key="r1").json() == first.json()
    assert customer.refund(charge, 251).json()["error"]["type"] == "refund_exceeds_charge"
    assert customer.refund(charge, 250).status == 201
    assert customer.call("GET", f"/v1/charges/{charge}").json()["refunded"] == 1250
    assert len(customer.call("GET", "/v1/refunds?reference=refund-1").json()["data"]) == 2
    assert customer.ledger()["totals"][0]["net"] == 0


def test_simultaneous_refunds_never_pass_the_charge(customer: Customer) -> None:
    charge = customer.charge().json()["id"]
    customer.dials(jitter_ms=30)
    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(threads.map(lambda _: customer.refund(charge, 1000).status, range(8)))
    assert statuses == [201] + [422] * 7


def test_amounts_are_exact_up_to_two_to_the_53rd(customer: Customer) -> None:
    assert customer.charge(amount=2**53).json()["amount"] == 2**53
    assert customer.charge(amount=2**53 + 1).status == 422


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 0},
        {"amount": -1},
        {"amount": 12.5},
        {"amount": 12.0},
        {"amount": True},
        {"amount": "12"},
        {"amount": None},
        {"currency": "usd"},
        {"currency": "US"},
        {"source": "4242424242424242"},
        {"reference": ""},
        {"reference": "a\nb"},
        {"reference": "x" * 201},
        {"metadata": {"a": 1}},
        {"metadata": []},
        {"capture": False},
    ],
)
def test_fields_at_fault_are_named(customer: Customer, changes: dict[str, Any]) -> None:
    answer = customer.charge(**changes)
    assert answer.status == 422
    assert answer.json()["error"]["param"] in changes


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{", 400),
        (b'{"amount":1,"amount":2}', 400),
        (b'{"amount":NaN}', 400),
        (b'{"reference":"\\u0000"}', 400),
        (b'{"reference":"\\ud800"}', 400),
        (b"\xff", 400),
        (b"[" * 100_000, 400),
        (b'{"amount":' + b"9" * 5000 + b"}", 400),
        (b"x" * 300_000, 413),
    ],
)
def test_bodies_at_fault_are_4xx(customer: Customer, body: bytes, status: int) -> None:
    assert customer.call("POST", "/v1/charges", body=body, Idempotency_Key="k").status == status


def test_who_is_not_known_is_refused(payments: Simulator) -> None:
    for authorization in ("", "Bearer x", "Bearer sk_sim_", "Basic sk_sim_a", "Bearer sk_sim_a b"):
        answer = payments.call("GET", "/v1/charges?reference=a", Authorization=authorization)
        assert (answer.status, answer.json()["error"]["type"]) == (401, "unauthorized")


def test_a_key_is_required(customer: Customer) -> None:
    assert customer.call("POST", "/v1/charges", {}).status == 400
    assert customer.call("GET", "/v1/charges").status == 422
    assert customer.call("GET", "/v1/charges?order=asc").status == 422
    assert customer.call("PATCH", "/v1/charges").status == 405
    assert customer.call("GET", "/v2").status == 404


def test_the_ledger_is_read_by_account(payments: Simulator, customer: Customer) -> None:
    customer.charge()
    assert payments.call("GET", f"/v1/ledger?account={customer.name}").json()["totals"][0]["charged"] == 1250
    assert customer.call("GET", "/v1/ledger?account=other").status == 403
    assert payments.call("GET", "/v1/ledger?account=a%00").status == 422


def test_the_page_shows_movements_and_escapes_them(payments: Simulator, customer: Customer) -> None:
    customer.charge(reference="<script>alert(1)</script>")
    page = payments.call("GET", "/").body.decode()
    assert customer.name in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


def test_state_survives_sigkill_and_a_torn_last_line(tmp_path: Path) -> None:
    simulator = Simulator("payments", tmp_path)
    customer = Customer(simulator)
    charge = customer.charge(key="k1").json()
    customer.refund(charge["id"], 50, key="r1")
    customer.dials(latency_ms=1)
    simulator.end(kill=True)
    with (tmp_path / "payments.jsonl").open("ab") as journal:
        journal.write(b'{"kind":"charge","row":{"amo')
    simulator.start()
    assert customer.charge(key="k1").json() == {**charge, "refunded": 50}
    assert customer.refund(charge["id"], 1201).status == 422
    assert customer.payments.call("GET", f"/dials/{customer.name}").json()["dials"]["latency_ms"] == 1
    assert customer.charge(key="k2").status == 201
    simulator.end(kill=True)
    simulator.start()
    assert len(customer.ledger()["movements"]) == 3
    assert simulator.end() == 0
