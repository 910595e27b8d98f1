"""What a tenant's finance system received."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from simulators.checking import Rejected, only, text
from simulators.journal import Journal

_SECRET = r"whsec_[A-Za-z0-9+/]{24,100}={0,2}"  # noqa: S105 - the pattern of a secret, not one
_ID = r"[\x21-\x7e]{1,200}"


@dataclass(slots=True)
class _Inbox:
    secret: str | None = None
    messages: list[dict[str, Any]] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)


class Inboxes:
    """All inboxes, made when first used.

    Args:
        journal: where every message is written before it is answered.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._inboxes: dict[str, _Inbox] = defaultdict(_Inbox)

    def restore(self, record: Mapping[str, Any]) -> None:
        """Take in a `secret`, `empty` or `message` record of the journal."""
        inbox = self._inboxes[record["inbox"]]
        if record["kind"] == "secret":
            inbox.secret = record["secret"]
        elif record["kind"] == "empty":
            inbox.messages.clear()
            inbox.accepted.clear()
        else:
            message = record["message"]
            inbox.messages.append(message)
            if message["verified"] is not False:
                inbox.accepted.add(message["id"])

    def configure(self, name: str, given: dict[str, Any]) -> None:
        """Set the secret that signatures are checked with; null checks nothing.

        Raises:
            Rejected: 422.
        """
        only(given, {"secret"})
        secret = given.get("secret", "")
        if secret is not None:
            secret = text(given, "secret", _SECRET, hint="whsec_ and at least 24 characters of base64, or null")
        self._write({"kind": "secret", "inbox": name, "secret": secret})

    def empty(self, name: str) -> None:
        """Forget what was received; the secret stays."""
        self._write({"kind": "empty", "inbox": name})

    def receive(self, name: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """Take one webhook (Standard Webhooks); what has a bad signature is recorded too, and then refused.

        Raises:
            Rejected: 400 for a missing id or a body that is no JSON object, 401 for a bad signature.
        """
        webhook_id = headers.get("webhook-id", "")
        text({"webhook-id": webhook_id}, "webhook-id", _ID, hint="1 to 200 visible ASCII characters")
        try:
            content = json.loads(body.decode())
            json.dumps(content, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise Rejected(400, "invalid_json", "The body is not valid JSON") from None
        if not isinstance(content, dict):
            raise Rejected(400, "invalid_json", "The body must be one JSON object")
        inbox = self._inboxes[name]
        verified = _verified(inbox.secret, headers, body)
        message = {
            "id": webhook_id,
            "type": content.get("type"),
            "timestamp": headers.get("webhook-timestamp"),
            "verified": verified,
            "duplicate": verified is not False and webhook_id in inbox.accepted,
            "received": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "body": content,
        }
        self._write({"kind": "message", "inbox": name, "message": message})
        if verified is False:
            raise Rejected(401, "bad_signature", "The signature does not fit the body, the id and the time")
        return message

    def listing(self, name: str) -> dict[str, Any]:
        """An inbox as clients see it; the secret is never shown."""
        inbox = self._inboxes.get(name) or _Inbox()
        return {"inbox": name, "has_secret": inbox.secret is not None, "messages": list(inbox.messages)}

    def names(self) -> list[str]:
        """All inboxes that were used or configured."""
        return sorted(self._inboxes)

    def _write(self, record: dict[str, Any]) -> None:
        self._journal.append(record)
        self.restore(record)


def _verified(secret: str | None, headers: Mapping[str, str], body: bytes) -> bool | None:
    if secret is None:
        return None
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True
