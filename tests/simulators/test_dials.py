import time
from collections import Counter

import pytest
import urllib3

from tests.simulators.conftest import Customer, Simulator


def test_scripted_outcomes_come_in_order_and_end(customer: Customer) -> None:
    customer.script("error_before", "error_after", "unavailable", "decline")
    assert [customer.charge(key="a").status for _ in range(3)] == [500, 500, 503]
    # The second call was done before it failed, so its key now answers with what it did.
    assert customer.charge(key="a").json()["status"] == "succeeded"
    assert customer.charge(key="b").json()["status"] == "succeeded"
    assert len(customer.ledger()["movements"]) == 2


def test_a_scripted_decline(customer: Customer) -> None:
    customer.script("decline")
    assert [customer.charge().json()["status"] for _ in range(2)] == ["declined", "succeeded"]


@pytest.mark.parametrize(("outcome", "charges"), [("drop_before", 0), ("drop_after", 1)])
def test_a_cut_connection_brings_not_a_byte(customer: Customer, outcome: str, charges: int) -> None:
    customer.script(outcome)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        customer.charge(key="k")
    assert len(customer.ledger()["movements"]) == charges


@pytest.mark.parametrize(("outcome", "charges"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_hanging_call_leaves_its_outcome_to_be_looked_up(customer: Customer, outcome: str, charges: int) -> None:
    customer.script(outcome)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        customer.charge(key="k", timeout=0.3)
    assert len(customer.call("GET", "/v1/charges?idempotency_key=k").json()["data"]) == charges


def test_a_hang_ends_by_cutting_the_connection(customer: Customer) -> None:
    customer.dials(timeout_before_rate=1, hang_seconds=0.2, operations=["charge"])
    began = time.monotonic()
    with pytest.raises(urllib3.exceptions.ProtocolError):
        customer.charge()
    assert 0.2 <= time.monotonic() - began < 2


def test_a_script_for_one_operation_waits_for_it(customer: Customer) -> None:
    customer.script("error_before", operation="refund")
    charge = customer.charge().json()["id"]
    assert customer.call("GET", f"/v1/charges/{charge}").status == 200
    assert [customer.refund(charge, 1).status for _ in range(2)] == [500, 201]


def test_a_script_for_everyone(payments: Simulator, customer: Customer) -> None:
    assert payments.call("POST", "/dials/next", {"outcome": "unavailable", "times": 2}).json()["waiting"] == 2
    assert [customer.charge().status for _ in range(3)] == [503, 503, 201]


@pytest.mark.parametrize(("dial", "wanted"), [("error_rate", 500), ("error_after_rate", 500)])
def test_rates(customer: Customer, dial: str, wanted: int) -> None:
    customer.dials(**{dial: 1})
    assert customer.charge().status == wanted
    assert len(customer.ledger()["movements"]) == (dial == "error_after_rate")


def test_a_seed_repeats_the_dice(payments: Simulator) -> None:
    def thrown(seed: int) -> list[int]:
        customer = Customer(payments)
        customer.dials(error_rate=0.3, seed=seed)
        return [customer.charge().status for _ in range(60)]

    first = thrown(7)
    assert first == thrown(7)
    assert 6 <= Counter(first)[500] <= 32


@pytest.mark.parametrize(("down", "shown"), [(True, 503), ("503", 503), ("drop", None)])
def test_down(customer: Customer, down: object, shown: int | None) -> None:
    customer.dials(down=down)
    if shown:
        answer = customer.charge()
        assert (answer.status, answer.headers["Retry-After"]) == (shown, "1")
    else:
        with pytest.raises(urllib3.exceptions.ProtocolError):
            customer.charge()
    assert customer.payments.call("DELETE", f"/dials/{customer.name}").status == 204
    assert customer.charge().status == 201


def test_latency(customer: Customer) -> None:
    customer.dials(latency_ms=200)
    began = time.monotonic()
    customer.charge()
    assert time.monotonic() - began >= 0.2


def test_an_account_in_trouble_leaves_the_others_alone(payments: Simulator, customer: Customer) -> None:
    customer.dials(down=True)
    assert Customer(payments).charge().status == 201
    assert payments.call("GET", "/healthz").status == 200


def test_dials_for_everyone_and_back(payments: Simulator, customer: Customer) -> None:
    payments.call("PUT", "/dials", {"decline_rate": 1})
    try:
        assert payments.call("GET", "/dials").json()["dials"]["decline_rate"] == 1
        assert customer.charge().json()["status"] == "declined"
    finally:
        payments.call("DELETE", "/dials")
    assert customer.charge().json()["status"] == "succeeded"


@pytest.mark.parametrize(
    "dials",
    [
        {"latency": 5},
        {"latency_ms": -1},
        {"latency_ms": "5"},
        {"latency_ms": 1.5},
        {"error_rate": 1.1},
        {"error_rate": True},
        {"error_rate": 0.6, "decline_rate": 0.6},
        {"hang_seconds": 1e9},
        {"down": "maybe"},
        {"down": 1},
        {"operations": ["fly"]},
        {"operations": "charge"},
        {"seed": "x"},
    ],
)
def test_unknown_dials_and_impossible_values_are_refused(customer: Customer, dials: dict[str, object]) -> None:
    assert customer.dials(**dials).status == 422


@pytest.mark.parametrize(
    "script",
    [
        {},
        {"outcome": "explode"},
        {"outcome": "ok", "times": 0},
        {"outcomes": []},
        {"outcomes": ["ok"], "times": 2},
        {"outcomes": [1]},
        {"outcome": "ok", "account": "a b"},
        {"outcome": "ok", "operation": "hook"},
        {"outcome": "ok", "when": "now"},
    ],
)
def test_unknown_scripts_are_refused(payments: Simulator, script: dict[str, object]) -> None:
    assert payments.call("POST", "/dials/next", script).status == 422
