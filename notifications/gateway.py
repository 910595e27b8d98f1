"""Pushing one event to the company's endpoint: a gateway, retried patiently for hours.

Receivers tell copies by `webhook-id` (Standard Webhooks), so a push whose answer was lost is simply sent again: there is
nothing to look up.
"""

from dataclasses import dataclass, field
from uuid import UUID

from bookings.events import BookingEvent
from messaging.errors import Reject, Retry
from messaging.messages import Envelope, to_payload
from messaging.topology import DeadCause
from notifications import selectors, services
from wildrydes.kernel.clock import utcnow
from wildrydes.kernel.http import OutboundError, OutboundRefused, outbound_client
from wildrydes.kernel.webhooks import body_of, headers_for

_TOTAL_SECONDS = 10.0
_MOST_ANSWER_BYTES = 64 * 1024
_LONGEST_RETRY_AFTER = 3600.0
_GONE = 410


@dataclass(frozen=True)
class Push:
    """What is to be sent, and where."""

    message_id: UUID
    url: str
    body: bytes
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def may_have_been_sent(self) -> bool:
        """Receivers tell copies by themselves."""
        return False


class PushWebhook:
    """The gateway; the same for every event about a booking."""

    def prepare(self, message: Envelope[BookingEvent]) -> Push | None:
        """Record the attempt; nothing to do without an endpoint."""
        target = selectors.push_target()
        if target is None:
            return None
        body = message.body
        if not services.begin_push(message_id=message.id, message_type=body.topic, booking_id=body.booking_id):
            return None
        wire = body_of(message_type=body.topic, occurred_at=message.occurred_at, data=to_payload(body))
        return Push(message_id=message.id, url=target.url, body=wire, secrets=target.secrets)

    def lookup(self, intent: Push) -> int | None:
        """Nobody to ask; see the module's text."""
        return None

    def call(self, intent: Push) -> int:
        """POST it; answers the status when that is final.

        Raises:
            Retry: no answer, or one that is neither 2xx nor 410. Redirects are not followed: an endpoint is an address.
            Reject: the address may not be called.
        """
        headers = headers_for(
            message_id=intent.message_id, now=utcnow(), body=intent.body, signing_secrets=intent.secrets
        )
        try:
            response = outbound_client().request(
                "POST",
                intent.url,
                headers=headers,
                body=intent.body,
                total_timeout=_TOTAL_SECONDS,
                max_body_bytes=_MOST_ANSWER_BYTES,
                purpose="webhook",
            )
        except OutboundRefused as error:
            raise Reject(str(error)) from error
        except OutboundError as error:
            raise Retry(str(error)) from error
        if response.ok or response.status == _GONE:
            return response.status
        raise Retry(f"The endpoint answered {response.status}.", after=_wait(response.headers.get("retry-after")))

    def settle(self, message: Envelope[BookingEvent], intent: Push, result: int) -> None:
        """Record the answer."""
        services.push_answered(message_id=intent.message_id, status=result)


def push_is_dead(message: Envelope[BookingEvent], cause: DeadCause) -> None:
    """The endpoint is shown as failing; the booking knows nothing of it."""
    about_the_endpoint = cause.error_class in selectors.TELLING_ERRORS
    why = cause.detail if about_the_endpoint else "It could not be pushed; our support staff see the cause."
    services.give_up_push(message_id=message.id, why=why)


def _wait(retry_after: str | None) -> float | None:
    """The seconds of a `Retry-After` (its date form is not worth the trouble here), within reason."""
    if retry_after is None or not retry_after.isascii() or not retry_after.isdigit() or len(retry_after) > 9:
        return None
    return min(float(retry_after), _LONGEST_RETRY_AFTER)
