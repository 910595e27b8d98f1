"""Pushing news of a request to an operator: a gateway of few and quick attempts.

A push is a courtesy: what it says can be pulled. So one that fails is given up after a few attempts, counted, and no dead
letter; an operator that is down would fill the dead letters otherwise. Receivers tell copies by `webhook-id`.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from fleet.selectors import push_target
from messaging.errors import Retry
from messaging.messages import Envelope
from rfq import metrics
from rfq.documents import open_requests
from rfq.events import TellOperator
from rfq.models import Rfq
from rfq.selectors import inquiries_in
from rfq.services._locking import database_now
from rfq.services.telling import News
from wildrydes.kernel.clock import utcnow
from wildrydes.kernel.http import OutboundError, OutboundRefused, outbound_client
from wildrydes.kernel.webhooks import body_of, headers_for

_log = structlog.get_logger(__name__)
# Within a request's life; the queue is shared with its answers.
TOTAL_SECONDS = 2.0
ATTEMPTS = 4
_MOST_ANSWER_BYTES = 16 * 1024
_GIVEN_UP = 0


@dataclass(frozen=True)
class Pushed:
    """What is to be sent, and where; `is_last` when it is not tried again."""

    message_id: UUID
    url: str
    body: bytes
    is_last: bool
    secret: str = field(repr=False)

    @property
    def may_have_been_sent(self) -> bool:
        """Receivers tell copies by themselves."""
        return False


class PushToOperator:
    """The gateway."""

    def prepare(self, message: Envelope[TellOperator]) -> Pushed | None:
        """What there is to tell now; nothing when the operator has no address or the news is stale."""
        body = message.body
        target = push_target(body.operator_id)
        rfq = Rfq.objects.filter(id=body.rfq_id).first()
        if target is None or rfq is None:
            return None
        data = told(rfq, operator_id=body.operator_id, news=News(body.news))
        if data is None:
            return None
        wire = body_of(message_type=f"request.{body.news}", occurred_at=message.occurred_at, data=data)
        return Pushed(
            message_id=message.id,
            url=target.url,
            body=wire,
            is_last=message.attempt >= ATTEMPTS,
            secret=target.secret,
        )

    def lookup(self, intent: Pushed) -> int | None:
        """Nobody to ask."""
        return None

    def call(self, intent: Pushed) -> int:
        """POST it; answers the status that ends the matter, 0 when it is given up.

        Raises:
            Retry: no answer, or not a good one, and it is worth another try.
        """
        headers = headers_for(
            message_id=intent.message_id, now=utcnow(), body=intent.body, signing_secrets=[intent.secret]
        )
        try:
            response = outbound_client().request(
                "POST",
                intent.url,
                headers=headers,
                body=intent.body,
                total_timeout=TOTAL_SECONDS,
                max_body_bytes=_MOST_ANSWER_BYTES,
                purpose="fleet webhook",
            )
        except OutboundRefused:
            return _GIVEN_UP
        except OutboundError as error:
            if intent.is_last:
                return _GIVEN_UP
            raise Retry(str(error)) from error
        if response.ok or response.status == 410:
            return response.status
        if intent.is_last:
            return _GIVEN_UP
        raise Retry(f"The operator's system answered {response.status}.")

    def settle(self, message: Envelope[TellOperator], intent: Pushed, result: int) -> None:
        """Count it."""
        metrics.pushed({_GIVEN_UP: "given_up", 410: "gone"}.get(result, "taken"))
        if result == _GIVEN_UP:
            _log.info("rfq.push_given_up", operator=str(message.body.operator_id), news=message.body.news)


def told(rfq: Rfq, *, operator_id: UUID, news: News) -> dict[str, Any] | None:
    """The news in words; None when there is nothing to tell any more."""
    if news is News.ASKED:
        is_open = rfq.state == "open" and database_now() < rfq.deadline_at
        requests = open_requests(rfq, operator_id=operator_id) if is_open else []
        return {"requests": requests} if requests else None
    concerned = inquiries_in(rfq.id, operator_id=operator_id)
    if news is News.WITHDRAWN:
        return {"correlation_ids": [str(each.id) for each in concerned]} if concerned else None
    # Of won and released only the winner's operator is told, and of that unicorn alone.
    states = {"won": ("won",), "released": ("answered",)}[news.value]
    ids = [str(each.id) for each in concerned if each.state in states]
    return {"correlation_ids": ids} if ids else None
