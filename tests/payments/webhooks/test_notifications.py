"""From the provider's wire to the ledger: genuine, copied, late, out of order, forged and lost notifications."""

import json
import time
import uuid

import pytest
from django.test import Client

from messaging.journal.models import Message
from messaging.models import DeadLetter, Delivery
from payments.models import Charge, Notification
from payments.webhooks.views import MAX_BODY_BYTES
from simulators.notifying import signature
from tests.payments.conftest import FARE, Fare, published
from tests.payments.postbox import Letter
from tests.payments.test_handlers import AND_BACK, BACK, NOTHING, ONE_CHARGE, PAID, _pass_deadline
from tests.payments.webhooks.conftest import SECRET

HEADER = "Simulator-Signature"


def signed(event: object, *, secret: str = SECRET) -> Letter:
    body = json.dumps(event).encode()
    return Letter(body, {HEADER: signature(body, secret)})


def event(**changes: object) -> dict[str, object]:
    subject = {"id": "ch_1", "object": "charge", "idempotency_key": "charge-x"}
    return {"id": "evt_1", "type": "charge.succeeded", "data": {"object": subject}, **changes}


def state(fare: Fare) -> tuple[str, tuple[int, int, int, int]]:
    return fare.state, fare.totals


def test_taken_on_then_notified(provider, box, post, drain):
    fare = Fare()
    drain()
    assert state(fare) == ("processing", NOTHING)
    stale, news = box.wait_for(2)
    assert [post(letter).status_code for letter in (stale, news)] == [200, 200]
    drain()
    assert state(fare) == ("captured", PAID)
    assert published(fare.booking_id) == ["payment.captured"]
    assert provider.movements(fare.booking_id) == ONE_CHARGE
    drain(include_delayed=True)
    assert published(fare.booking_id) == ["payment.captured"], "the look-up that was due finds nothing to do"


def test_a_notification_that_overtakes_the_answer(provider, box, post, drain):
    """The provider is quicker than our commit of its 202."""
    fare = Fare()
    intent = fare.capture.prepare()
    answer = fare.capture.ask(intent)
    for letter in box.wait_for(2):
        post(letter)
    drain()
    assert fare.state == "captured"
    fare.capture.settle(intent, answer)
    assert state(fare) == ("captured", PAID)
    assert published(fare.booking_id) == ["payment.captured"]


@pytest.mark.parametrize("misdeed", ["duplicate", "reorder", "late"])
def test_copies_and_disorder_change_nothing(provider, box, post, drain, misdeed):
    provider.dials(settle_ms=0, notify_late_ms=200)
    provider.script(misdeed, operation="notify_charge")
    fare = Fare()
    drain()
    for letter in box.wait_for(4 if misdeed == "duplicate" else 2):
        assert post(letter).status_code == 200
    drain(include_delayed=True)
    assert state(fare) == ("captured", PAID)
    assert published(fare.booking_id) == ["payment.captured"]
    assert Notification.objects.count() == 2
    assert sum(Notification.objects.values_list("copies", flat=True)) == (2 if misdeed == "duplicate" else 0)


def test_what_never_comes_is_found_by_looking(provider, box, drain):
    provider.script("lose", operation="notify_charge")
    fare = Fare()
    drain()
    assert fare.state == "processing"
    [check] = Delivery.objects.filter(handler="payments.capture")
    assert 1 < (check.not_before - check.created_at).total_seconds() < 61
    drain(include_delayed=True)
    assert state(fare) == ("captured", PAID)


def test_what_is_never_decided_ends_at_its_deadline(provider, account, drain):
    provider.dials(settle_ms=600_000)
    fare = Fare()
    drain()
    _pass_deadline(fare)
    Delivery.objects.filter(handler="payments.capture").update(not_before="2020-01-01T00:00Z")
    drain()
    assert fare.state == "in_doubt"
    assert published(fare.booking_id) == ["payment.failed"]
    assert list(DeadLetter.objects.filter(handler="payments.capture").values_list("reason")) == [("rejected",)]


def test_a_decline_is_told_later(provider, box, post, drain):
    provider.script("decline", operation="charge")
    fare = Fare()
    drain()
    assert fare.state == "processing"
    for letter in box.wait_for(2):
        post(letter)
    drain()
    assert state(fare) == ("declined", NOTHING)
    assert published(fare.booking_id) == ["payment.declined"]


def test_the_money_back_is_told_later_too(provider, box, post, drain):
    fare = Fare()
    drain()
    for letter in box.wait_for(2):
        post(letter)
    drain()
    fare.refund()
    drain()
    for letter in box.wait_for(4)[2:]:
        post(letter)
    drain()
    assert fare.totals == BACK
    assert provider.movements(fare.booking_id) == AND_BACK
    assert published(fare.booking_id) == ["payment.captured", "payment.refunded"]


def test_a_notification_of_what_was_given_up_brings_the_money_back(provider, box, post, drain):
    """It was in doubt, the ride failed; the news that it was taken after all is what a look-up would find a minute later."""
    fare = Fare()
    provider.dials(settle_ms=400)
    drain()
    _pass_deadline(fare)
    fare.capture.die()
    assert fare.state == "in_doubt"
    for letter in box.wait_for(2):
        post(letter)
    drain()
    assert provider.movements(fare.booking_id)[0] == ONE_CHARGE[0]
    drain(include_delayed=True)
    assert fare.totals == BACK


def test_a_forgery_is_refused_and_changes_nothing(provider, box, post, drain):
    provider.script("forge", operation="notify_charge")
    fare = Fare()
    drain()
    forged, *genuine = box.wait_for(3)
    before = Message.objects.count(), Notification.objects.count(), state(fare)
    refused = post(forged)
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (400, "notification-not-genuine")
    assert (Message.objects.count(), Notification.objects.count(), state(fare)) == before
    for letter in genuine:
        post(letter)
    drain()
    assert fare.state == "captured"


def test_a_lie_with_a_good_signature_is_not_believed(provider, box, post, drain):
    """Whoever has the secret can make us look, and no more."""
    provider.dials(settle_ms=600_000)
    fare = Fare()
    drain()
    charge = Charge.objects.get(booking_id=fare.booking_id)
    lie = event(
        data={"object": {"id": charge.provider_ref, "object": "charge", "idempotency_key": charge.idempotency_key}}
    )
    assert post(signed(lie)).status_code == 200
    drain()
    assert state(fare) == ("processing", NOTHING)
    assert Notification.objects.get().outcome == "processing"


def test_what_is_about_nothing_of_ours(account, post, drain):
    for name, changes in {
        "evt_a": {},
        "evt_b": {"data": {"object": {"object": "payout", "idempotency_key": "x"}}},
    }.items():
        assert post(signed(event(id=name, **changes))).status_code == 200
    drain()
    outcomes = set(Notification.objects.values_list("outcome", flat=True))
    assert outcomes == {"about nothing of ours", "not about a charge or refund"}
    assert not DeadLetter.objects.exists()


class TestTheAddress:
    @pytest.mark.parametrize(
        "letter",
        [
            Letter(b"{}", {}),
            Letter(b"{}", {HEADER: ""}),
            Letter(b"{}", {HEADER: "t=1"}),
            Letter(b"{}", {HEADER: "v1=ab"}),
            Letter(b"{}", {HEADER: "t=x,v1=ab"}),
            Letter(b"{}", {HEADER: "t=1,v1=\u00e9"}),
            Letter(b"\xff\xfe", {HEADER: "t=1,v1=ab"}),
            Letter(b"", {HEADER: "t=" + "9" * 5000 + ",v1=ab"}),
            signed(event(), secret="whsec_of_somebody_else"),
        ],
        ids=["none", "empty", "no-mac", "no-time", "bad-time", "not-ascii", "not-utf8", "long", "other-secret"],
    )
    def test_what_is_not_signed(self, post, letter):
        assert post(letter).status_code == 400
        assert not Notification.objects.exists()

    def test_what_was_signed_long_ago(self, post, monkeypatch):
        letter = signed(event())
        there = time.time()
        monkeypatch.setattr(time, "time", lambda: there + 301)
        assert post(letter).status_code == 400

    def test_a_signature_over_another_body(self, post):
        letter = signed(event())
        assert post(Letter(letter.body.replace(b"ch_1", b"ch_2"), letter.headers)).status_code == 400

    @pytest.mark.parametrize(
        "nonsense",
        [None, [], {}, {"id": "evt_1"}, event(id=7), event(id="x" * 101), event(data=[]), event(data={"object": {}})],
        ids=["null", "list", "empty", "half", "number", "long", "data", "object"],
    )
    def test_what_is_signed_and_cannot_be_read(self, post, nonsense):
        refused = post(signed(nonsense))
        assert (refused.status_code, refused["Content-Type"]) == (400, "application/problem+json")
        assert not Notification.objects.exists()

    def test_what_is_too_large(self, post):
        body = b" " * (MAX_BODY_BYTES + 1)
        assert post(Letter(body, {HEADER: signature(body, SECRET)})).status_code == 413

    @pytest.mark.parametrize("name", ["x", "t_acme", "acme", str(uuid.UUID(int=0)), "%00", "a" * 3000])
    def test_nobodys_account(self, post, name):
        assert post(signed(event()), path=f"/api/webhooks/payments/simulator_later/{name}").status_code == 404

    def test_another_provider_of_the_account(self, account, post):
        assert post(signed(event()), path=f"/api/webhooks/payments/stripe/{account.id}").status_code == 404

    def test_only_post(self, account):
        answer = Client().get(f"/api/webhooks/payments/simulator_later/{account.id}", headers={"host": "localhost"})
        assert (answer.status_code, answer["Allow"]) == (405, "POST")

    def test_it_is_not_on_a_tenants_host(self, account):
        path = f"/api/webhooks/payments/simulator_later/{account.id}"
        assert Client().post(path, b"{}", "application/json", headers={"host": "acme.localhost"}).status_code == 404

    def test_the_address_tells_nothing_of_the_tenant(self, account, in_tenant):
        assert account.id.version == 4
        assert in_tenant.slug not in str(account.id)

    def test_an_amount_is_charged_once_whoever_notifies(self, provider, box, post, drain):
        """A flood of one genuine notification."""
        fare = Fare()
        drain()
        _, news = box.wait_for(2)
        for _ in range(5):
            post(news)
        drain()
        assert fare.totals == (FARE.minor, FARE.minor, 0, 0)
        assert Notification.objects.get(event_id=json.loads(news.body)["id"]).copies == 4
