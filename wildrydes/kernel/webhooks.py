"""Webhooks: what a message looks like and how it is signed (Standard Webhooks 1.0). Pure."""

import base64
import json
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from standardwebhooks import Webhook

SECRET_BYTES = 32


def new_secret() -> str:
    """A secret as the standard writes it: `whsec_` and base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def body_of(*, message_type: str, occurred_at: datetime, data: dict[str, Any]) -> bytes:
    """The message as it goes over the wire; the same bytes at every attempt."""
    message = {"type": message_type, "timestamp": occurred_at.isoformat().replace("+00:00", "Z"), "data": data}
    return json.dumps(message, separators=(",", ":"), sort_keys=True).encode()


def headers_for(*, message_id: UUID, now: datetime, body: bytes, signing_secrets: Sequence[str]) -> dict[str, str]:
    """The standard's headers; one signature per secret, so that either verifies while a receiver changes over."""
    signatures = [
        Webhook(secret).sign(msg_id=str(message_id), timestamp=now, data=body.decode()) for secret in signing_secrets
    ]
    return {
        "content-type": "application/json",
        "webhook-id": str(message_id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
