"""A company's own system hears of its rides, and can tell that it was us."""

import json
import uuid

import urllib3

from tests.scenarios.rider import Rider, eventually
from wildrydes.devstack import Stack
from wildrydes.devstack.logins import Login


def test_the_finance_system_is_told_of_a_ride_and_verifies_the_signature(
    stack: Stack, logins: dict[str, Login]
) -> None:
    administrator = Rider(stack, logins["premium"])
    inbox = f"rides-{uuid.uuid4().hex[:8]}"
    finance = f"http://127.0.0.1:{stack.ports.finance}"
    http = urllib3.PoolManager(retries=False, timeout=10)
    administrator.call("DELETE", "/api/v1/webhook")
    answer = administrator.call("PUT", "/api/v1/webhook", {"url": f"{finance}/hooks/{inbox}"})
    assert answer.status == 201, answer.data
    http.request("PUT", f"{finance}/inboxes/{inbox}", json={"secret": answer.json()["secret"]})

    ended = administrator.follow(administrator.book())

    assert ended["status"] == "succeeded", ended
    received = eventually(
        lambda: json.loads(http.request("GET", f"{finance}/inboxes/{inbox}").data)["messages"], what="the push"
    )
    told = [(one["type"], one["verified"], one["body"]["data"]["booking_id"]) for one in received]
    assert told == [("booking.confirmed", True, ended["result"]["id"])]
    shown = eventually(
        lambda: [
            one
            for one in administrator.call("GET", "/api/v1/webhook/deliveries").json()["items"]
            if one["id"] == received[0]["id"] and one["state"] == "delivered"
        ]
    )
    assert shown[0]["attempts"] == 1
    administrator.call("DELETE", "/api/v1/webhook")
