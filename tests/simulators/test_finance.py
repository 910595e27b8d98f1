import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from tests.simulators.conftest import Answer, Simulator

SECRET = "whsec_" + "c2VjcmV0" * 4


def push(
    finance: Simulator, inbox: str, webhook_id: str, content: object, *, secret: str = SECRET, age: float = 0
) -> Answer:
    body = json.dumps(content)
    sent = datetime.now(UTC) - timedelta(seconds=age)
    signature = Webhook(secret).sign(msg_id=webhook_id, timestamp=sent, data=body)
    return finance.call(
        "POST",
        f"/hooks/{inbox}",
        body=body.encode(),
        Webhook_Id=webhook_id,
        Webhook_Timestamp=str(int(sent.timestamp())),
        Webhook_Signature=signature,
    )


@pytest.fixture
def inbox(finance: Simulator) -> str:
    name = uuid.uuid4().hex
    assert finance.call("PUT", f"/inboxes/{name}", {"secret": SECRET}).status == 204
    return name


def test_a_signed_webhook_is_received_and_a_second_one_is_a_duplicate(finance: Simulator, inbox: str) -> None:
    content = {"type": "booking.confirmed", "data": {"fare": 1250}}
    assert push(finance, inbox, "msg_1", content).json() == {"id": "msg_1", "verified": True, "duplicate": False}
    assert push(finance, inbox, "msg_1", content).json()["duplicate"] is True
    listing = finance.call("GET", f"/inboxes/{inbox}").json()
    assert SECRET not in json.dumps(listing)
    assert listing["has_secret"] is True
    assert [(row["type"], row["duplicate"], row["body"]) for row in listing["messages"]] == [
        ("booking.confirmed", False, content),
        ("booking.confirmed", True, content),
    ]


def test_a_forged_or_stale_webhook_is_recorded_and_refused(finance: Simulator, inbox: str) -> None:
    other = "whsec_" + "b3RoZXIh" * 4
    assert push(finance, inbox, "msg_1", {}, secret=other).status == 401
    assert push(finance, inbox, "msg_2", {}, age=3600).status == 401
    assert finance.call("POST", f"/hooks/{inbox}", {}, Webhook_Id="m", Webhook_Signature="v1").status == 401
    assert [row["verified"] for row in finance.call("GET", f"/inboxes/{inbox}").json()["messages"]] == [False] * 3
    assert push(finance, inbox, "msg_1", {}).json()["duplicate"] is False, "a forgery does not spoil the id"


def test_without_a_secret_nothing_is_checked(finance: Simulator) -> None:
    name = uuid.uuid4().hex
    answer = finance.call("POST", f"/hooks/{name}", {"type": "x"}, Webhook_Id="msg_1")
    assert (answer.status, answer.json()["verified"]) == (200, None)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {}, 422),
        (b"{}", {"Webhook_Id": "a b"}, 422),
        (b"", {"Webhook_Id": "a"}, 400),
        (b"[]", {"Webhook_Id": "a"}, 400),
        (b'{"a":"\\ud800"}', {"Webhook_Id": "a"}, 400),
        (b"[" * 100_000, {"Webhook_Id": "a"}, 400),
        (b"x" * 300_000, {"Webhook_Id": "a"}, 413),
    ],
)
def test_webhooks_at_fault_are_4xx(finance: Simulator, body: bytes, headers: dict[str, str], status: int) -> None:
    assert finance.call("POST", "/hooks/faulty", body=body, **headers).status == status


def test_secrets_are_checked(finance: Simulator) -> None:
    for given in ({}, {"secret": "short"}, {"secret": 5}, {"secret": SECRET, "more": 1}):
        assert finance.call("PUT", "/inboxes/x", given).status == 422
    assert finance.call("PUT", "/inboxes/a%20b", {"secret": None}).status == 422


def test_dials_apply_to_an_inbox(finance: Simulator, inbox: str) -> None:
    finance.call("PUT", f"/dials/{inbox}", {"error_rate": 1})
    assert push(finance, inbox, "msg_1", {}).status == 500
    assert finance.call("GET", f"/inboxes/{inbox}").json()["messages"] == []


def test_emptying_keeps_the_secret(finance: Simulator, inbox: str) -> None:
    push(finance, inbox, "msg_1", {})
    assert finance.call("DELETE", f"/inboxes/{inbox}").status == 204
    assert finance.call("GET", f"/inboxes/{inbox}").json() == {"inbox": inbox, "has_secret": True, "messages": []}


def test_the_page_shows_what_came(finance: Simulator, inbox: str) -> None:
    push(finance, inbox, "msg_<b>", {"type": "booking.confirmed"})
    page = finance.call("GET", "/").body.decode()
    assert inbox in page
    assert "msg_&lt;b&gt;" in page


def test_what_was_received_survives_sigkill(tmp_path: Path) -> None:
    finance = Simulator("finance", tmp_path)
    finance.call("PUT", "/inboxes/acme", {"secret": SECRET})
    push(finance, "acme", "msg_1", {"type": "x"})
    finance.end(kill=True)
    finance.start()
    assert push(finance, "acme", "msg_1", {"type": "x"}).json() == {"id": "msg_1", "verified": True, "duplicate": True}
    assert finance.end() == 0
