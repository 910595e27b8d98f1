"""Pushes through the real engine, to real HTTP servers."""

import json
import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from loyalty.models import Entry
from messaging.journal.models import HandlerError
from messaging.models import DeadLetter, DeadReason, Delivery
from messaging.topology import DeadCause, get_topology
from notifications import services
from notifications.gateway import push_is_dead
from notifications.models import Endpoint, Push
from notifications.selectors import pushes

pytestmark = pytest.mark.usefixtures("in_tenant")


def _again():
    """Let what waits for its next attempt be due now."""
    Delivery.objects.filter(handler__startswith="notifications.").update(not_before=timezone.now())


def _lower(headers):
    return {name.lower(): value for name, value in headers.items()}


def test_the_finance_system_verifies_what_it_is_told(finance, endpoint, confirm, drain):
    inbox = f"acme-{uuid.uuid4().hex[:8]}"
    secret = endpoint(f"{finance.url}/hooks/{inbox}")
    assert finance.call("PUT", f"/inboxes/{inbox}", {"secret": secret}).status < 300
    booking_id = uuid.uuid4()
    message_id = confirm(booking_id=booking_id)
    drain()
    [received] = finance.call("GET", f"/inboxes/{inbox}").json()["messages"]
    assert received["id"] == str(message_id)
    assert received["type"] == "booking.confirmed"
    assert received["verified"] is True
    assert received["duplicate"] is False
    assert received["body"]["data"]["booking_id"] == str(booking_id)
    push = Push.objects.get(id=message_id)
    assert (push.state, push.attempts, push.response_status) == ("delivered", 1, push.response_status)
    assert push.response_status // 100 == 2


def test_without_an_endpoint_nothing_is_pushed(confirm, drain):
    confirm()
    drain()
    assert not Push.objects.exists()
    assert not Delivery.objects.filter(handler__startswith="notifications.").exists()


def test_every_kind_of_event_about_a_booking_is_pushed():
    pushed = {route.message.topic for route in get_topology().routes if route.name.startswith("notifications.push")}
    assert pushed == {"booking.confirmed", "booking.failed", "booking.cancelled", "booking.completed"}


def test_patience_lasts_for_hours():
    route = get_topology().route("notifications.push_booking_confirmed")
    assert route is not None
    waits = [route.retry.ceiling(attempt) for attempt in range(1, route.retry.attempts)]
    assert 6 * 3600 < sum(waits) < 12 * 3600


@pytest.mark.parametrize("status", [300, 302, 400, 404, 429, 500, 503])
def test_an_answer_that_is_no_success_is_tried_again(status, receiver, endpoint, confirm, drain):
    receiver.script[:] = [(status, {"location": receiver.url + "/elsewhere"}), (204, {})]
    endpoint(receiver.url)
    message_id = confirm()
    drain()
    assert Push.objects.get(id=message_id).state == "pending"
    assert str(status) in pushes().get(id=message_id).last_error
    _again()
    drain()
    assert Push.objects.get(id=message_id).state == "delivered"
    assert [request["path"] for request in receiver.received] == ["/hook", "/hook"]  # redirects are not followed
    first, second = receiver.received
    assert first["body"] == second["body"]
    assert first["headers"]["webhook-id"] == second["headers"]["webhook-id"] == str(message_id)


def test_a_retry_is_as_late_as_the_receiver_asks(receiver, endpoint, confirm, drain):
    receiver.script[:] = [(503, {"retry-after": "900"})]
    endpoint(receiver.url)
    confirm()
    drain()
    wait = Delivery.objects.get(handler__startswith="notifications.").not_before - timezone.now()
    assert timedelta(seconds=850) < wait <= timedelta(seconds=900)


def test_a_receiver_that_is_gone_is_told_no_more_until_it_is_set_again(receiver, endpoint, confirm, drain):
    receiver.script[:] = [(410, {})]
    endpoint(receiver.url)
    message_id = confirm()
    drain()
    assert Push.objects.get(id=message_id).state == "failed"
    assert Endpoint.objects.get().state == "disabled"
    confirm()
    drain()
    assert len(receiver.received) == 1
    assert not DeadLetter.objects.exists()
    receiver.script[:] = [(200, {})]
    services.set_endpoint(url=receiver.url)
    confirm()
    drain()
    assert len(receiver.received) == 2
    assert Endpoint.objects.get().state == "active"


def test_a_message_that_is_given_up_shows_the_endpoint_as_failing(receiver, endpoint, confirm, drain):
    receiver.script[:] = [(500, {})]
    endpoint(receiver.url)
    message_id = confirm()
    route = get_topology().route("notifications.push_booking_confirmed")
    Delivery.objects.filter(handler=route.name).update(attempts=route.retry.attempts - 1)
    drain()
    push = Push.objects.get(id=message_id)
    assert push.state == "failed"
    assert "500" in push.failure
    assert Endpoint.objects.get().state == "failing"
    assert DeadLetter.objects.get().outcome_committed
    receiver.script[:] = [(200, {})]
    confirm()
    drain()
    assert Endpoint.objects.get().state == "active"


def test_an_address_that_may_not_be_called_is_given_up_at_once(endpoint, confirm, drain):
    endpoint("http://169.254.169.254/latest/meta-data")
    message_id = confirm()
    drain()
    assert Push.objects.get(id=message_id).state == "failed"
    assert DeadLetter.objects.get().reason == "rejected"


def test_a_receiver_that_is_away_holds_nothing_else_up(endpoint, confirm, drain):
    endpoint("http://127.0.0.1:9/hook")
    booking_id = uuid.uuid4()
    confirm(booking_id=booking_id)
    drain()
    assert Push.objects.get().state == "pending"
    assert Entry.objects.filter(booking_id=booking_id).exists()  # the points came


def test_either_secret_verifies_for_a_day_after_a_change(receiver, endpoint, confirm, drain):
    old = endpoint(receiver.url)
    new = services.rotate_secret().secret
    confirm()
    drain()
    Endpoint.objects.update(previous_valid_until=timezone.now())
    confirm()
    drain()
    during, after = receiver.received
    for secret in (old, new):
        Webhook(secret).verify(during["body"], _lower(during["headers"]))
    Webhook(new).verify(after["body"], _lower(after["headers"]))
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(after["body"], _lower(after["headers"]))


def test_a_copy_of_the_message_is_not_pushed_again(receiver, endpoint, confirm, drain):
    endpoint(receiver.url)
    message_id = confirm()
    drain()
    assert services.begin_push(message_id=message_id, message_type="x", booking_id=uuid.uuid4()) is False


def test_secrets_are_sealed_at_rest(endpoint, receiver):
    secret = endpoint(receiver.url)
    row = Endpoint.objects.get()
    assert secret not in json.dumps([row.secret_sealed, row.previous_secret_sealed, row.url])


def test_mistakes_of_ours_are_not_shown_to_the_company(receiver, endpoint, confirm, drain):
    receiver.script[:] = [(500, {})]
    endpoint(receiver.url)
    message_id = confirm()
    drain()
    told = HandlerError.objects.get(message_id=message_id)
    assert "500" in pushes().get(id=message_id).last_error
    HandlerError.objects.filter(id=told.id).update(error_class="builtins.KeyError", text="inner workings")
    assert pushes().get(id=message_id).last_error == ""
    cause = DeadCause(reason=DeadReason.ATTEMPTS, error_class="builtins.KeyError", detail="inner workings")
    push_is_dead(SimpleNamespace(id=message_id), cause)
    assert "inner workings" not in Push.objects.get(id=message_id).failure
