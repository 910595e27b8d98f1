import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from wildrydes.kernel.ids import new_id
from wildrydes.kernel.webhooks import body_of, headers_for, new_secret

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def _message():
    return body_of(message_type="booking.confirmed", occurred_at=NOW, data={"reference": "Zürich", "fare_minor": 1031})


def test_the_body_is_json_as_the_standard_wants_it():
    assert json.loads(_message()) == {
        "type": "booking.confirmed",
        "timestamp": "2026-11-21T09:30:00Z",
        "data": {"reference": "Zürich", "fare_minor": 1031},
    }


def test_receivers_can_verify_with_either_secret_during_a_change():
    new, old, body = new_secret(), new_secret(), _message()
    headers = headers_for(message_id=new_id(), now=datetime.now(tz=UTC), body=body, signing_secrets=(new, old))
    assert Webhook(new).verify(body, headers)["type"] == "booking.confirmed"
    assert Webhook(old).verify(body, headers)["type"] == "booking.confirmed"
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, headers)


def test_a_changed_body_or_an_old_message_does_not_verify():
    secret, body = new_secret(), _message()
    fresh = headers_for(message_id=new_id(), now=datetime.now(tz=UTC), body=body, signing_secrets=(secret,))
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"1031", b"9999"), fresh)
    old = headers_for(
        message_id=new_id(), now=datetime.now(tz=UTC) - timedelta(hours=1), body=body, signing_secrets=(secret,)
    )
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, old)


def test_secrets_are_long_and_never_alike():
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(secret.startswith("whsec_") and len(secret) == 6 + 44 for secret in secrets)
