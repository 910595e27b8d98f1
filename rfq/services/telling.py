"""Telling operators by push; those without an address pull."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

from fleet.selectors import operators_of, pushed_to
from messaging.services import send
from rfq.events import TellOperator
from rfq.models import Rfq


class News(StrEnum):
    """What operators are told of a request."""

    ASKED = "asked"
    WITHDRAWN = "withdrawn"
    WON = "won"
    RELEASED = "released"


def tell_operators(rfq: Rfq, unicorn_ids: Sequence[UUID], news: News) -> None:
    """One message to each operator of these unicorns that has an address, however many of them are its own."""
    for operator_id in pushed_to(set(operators_of(unicorn_ids).values())):
        send(TellOperator(rfq_id=rfq.id, operator_id=operator_id, news=news.value), correlation_id=rfq.correlation_id)


def identity(rfq: Rfq) -> dict[str, Any]:
    """What every event about the request says."""
    return {"rfq_id": rfq.id, "operation_id": rfq.operation_id, "user_id": rfq.user_id}
