"""News to operators: signed, told once, given up without a dead letter."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.db import transaction
from standardwebhooks import Webhook

from fleet.models import HOUSE
from fleet.services import register_operator, set_webhook
from messaging.models import DeadLetter, Delivery
from rfq import services
from rfq.models import Offer
from wildrydes.kernel.http import AllowList, OutboundConfig, configure_outbound
from wildrydes.kernel.ids import new_id

pytestmark = pytest.mark.usefixtures("in_tenant")


class Operator:
    """An operator's system: what it was told, and what it answers."""

    def __init__(self) -> None:
        self.told: list[tuple[dict[str, str], str]] = []
        self.status = 204
        operator = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                operator.told.append((dict(self.headers), body))
                self.send_response(operator.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook"

    def verified(self, secret: str) -> list[dict]:
        """The messages, each with a good signature."""
        return [Webhook(secret).verify(body, {k.lower(): v for k, v in headers.items()}) for headers, body in self.told]


@pytest.fixture
def operator() -> Iterator[Operator]:
    configure_outbound(OutboundConfig(allow=AllowList.parse("127.0.0.0/8")))
    system = Operator()
    yield system
    system.server.shutdown()
    system.server.server_close()


def accept(rfq):
    """As bookings does, without the ride."""
    with transaction.atomic():
        return services.take_offer(
            rfq_id=rfq.id, offer_id=Offer.objects.get(rfq=rfq).id, booking_id=new_id()
        ).rfq.booking_id


def test_what_an_operator_is_told(operator, request_quotes, add_unicorn, offer, drain, speaker):
    rival = register_operator(code="rival", name="Rival")
    mine, also_mine, theirs = add_unicorn(), add_unicorn(), add_unicorn(operator=rival)
    secret = set_webhook(operator_id=HOUSE, url=operator.url)
    rfq = request_quotes(wanted_offers=5)
    drain()
    (asked,) = operator.verified(secret)
    assert asked["type"] == "request.asked"
    told = {one["unicorn"]: one for one in asked["data"]["requests"]}
    assert set(told) == {str(mine.operator_ref), str(also_mine.operator_ref)}
    assert str(theirs.operator_ref) not in json.dumps(asked)
    offer(mine)
    booking_id = accept(rfq)
    drain()
    with transaction.atomic():
        assert services.reopen_for(booking_id=booking_id)
    drain()
    with transaction.atomic():
        services.withdraw(rfq_id=rfq.id)
    drain()
    news = [(each["type"], each["data"].get("correlation_ids")) for each in operator.verified(secret)[1:]]
    won = told[str(mine.operator_ref)]["correlation_id"]
    everyone = sorted(one["correlation_id"] for one in told.values())
    assert news == [("request.won", [won]), ("request.released", [won]), ("request.withdrawn", everyone)]


@pytest.mark.parametrize("trouble", ["500", "nobody", "refused"])
def test_an_operator_that_is_down_fills_no_dead_letters(
    trouble, operator, request_quotes, add_unicorn, drain: Callable[..., int]
):
    add_unicorn()
    operator.status = 500
    if trouble == "nobody":
        operator.server.shutdown()
        operator.server.server_close()
    if trouble == "refused":
        configure_outbound(OutboundConfig())
    set_webhook(operator_id=HOUSE, url=operator.url)
    request_quotes(deadline_seconds=600)
    drain()
    for _ in range(10):
        for delivery in Delivery.objects.filter(handler="rfq.tell_operator"):
            Delivery.objects.filter(id=delivery.id).update(not_before=delivery.created_at)
        if not drain():
            break
    assert not Delivery.objects.filter(handler="rfq.tell_operator").exists()
    assert not DeadLetter.objects.exists()
    assert len(operator.told) == (4 if trouble == "500" else 0)


def test_stale_news_is_not_told(operator, request_quotes, add_unicorn, drain):
    add_unicorn()
    rfq = request_quotes()
    set_webhook(operator_id=HOUSE, url=operator.url)
    with transaction.atomic():
        services.scatter(rfq_id=rfq.id)
        services.withdraw(rfq_id=rfq.id)
    drain()
    assert [json.loads(body)["type"] for _, body in operator.told] == ["request.withdrawn"]
