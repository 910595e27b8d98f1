"""A request for quotes through the running product and its simulated fleet, well-behaved and not."""

import time
import uuid
from datetime import datetime
from typing import Any

import pytest
import urllib3

from wildrydes.devstack import Stack
from wildrydes.devstack.dialogue import RIDE
from wildrydes.devstack.logins import Login
from wildrydes.devstack.quoting import quotes_for

SECONDS = 60.0


@pytest.fixture
def temper(stack: Stack) -> Any:
    """Sets the fleet's temper; afterwards it is itself again."""
    url = f"http://127.0.0.1:{stack.ports.unicorns}/fleet/dials"

    def set_to(**dials: Any) -> None:
        tame = dict.fromkeys(
            (f"{each}_rate" for each in ("silent", "decline", "late", "garbage", "forged", "twice")), 0
        )
        assert urllib3.request("PUT", url, json={**tame, **dials}).status == 200

    yield set_to
    urllib3.request("DELETE", url)


def test_offers_come_in_and_the_best_becomes_a_ride(stack: Stack, logins: dict[str, Login]) -> None:
    told: list[str] = []
    quotes_for([logins["basic"]], base_url=stack.base_url, show=told.append)
    assert "comes for" in told[-1]


def _ask(visitor: Any, **wishes: Any) -> dict[str, Any]:
    body = {**RIDE, "deadline_seconds": 4, "wanted_offers": 20, **wishes}
    accepted = visitor.ask(
        "POST", "/api/v1/rfqs", expect=202, body=body, headers={"Idempotency-Key": str(uuid.uuid4())}
    )
    return dict(accepted.body["links"])


def _closed(visitor: Any, links: dict[str, Any]) -> dict[str, Any]:
    give_up = time.monotonic() + SECONDS
    while time.monotonic() < give_up:
        rfq = visitor.ask("GET", links["resource"], expect=200).body
        if rfq["state"] == "closed":
            return dict(rfq)
        time.sleep(0.1)
    raise AssertionError("The request was never closed.")


def test_a_badly_behaved_fleet_is_sorted_out(visit: Any, temper: Any) -> None:
    temper(answer_min_ms=10, answer_max_ms=500, twice_rate=0.3, late_rate=0.2, garbage_rate=0.15, forged_rate=0.15)
    visitor = visit("premium")
    rfq = _closed(visitor, _ask(visitor))
    explained = visitor.ask("GET", rfq["links"]["explanation"], expect=200).body["unicorns"]
    outcomes = {each["outcome"] for each in explained}
    assert outcomes <= {"best", "outranked", "declined", "silent", "late"}, outcomes
    assert rfq["asked"] == len(explained)
    unicorns = [offer["unicorn"]["id"] for offer in rfq["offers"]]
    assert len(unicorns) == len(set(unicorns)) > 0


def test_it_closes_on_time_although_broker_and_workers_are_gone(stack: Stack, visit: Any, temper: Any) -> None:
    """The watch needs the database alone."""
    temper(silent_rate=1.0)
    visitor = visit("enterprise")
    links = _ask(visitor)
    give_up = time.monotonic() + SECONDS
    while not visitor.ask("GET", links["resource"], expect=200).body["asked"]:
        assert time.monotonic() < give_up
        time.sleep(0.05)
    stack.stop_process("worker-enterprise", grace_seconds=0)
    stack.servers.valkey.kill()
    rfq = _closed(visitor, links)
    deadline, closed = (_seconds(rfq[name]) for name in ("deadline_at", "closed_at"))
    assert 0 <= closed - deadline < 5, (rfq["deadline_at"], rfq["closed_at"])
    assert rfq["close_reason"] == "deadline"
    assert visitor.ask("GET", links["self"], expect=200).body["status"] == "failed"


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
