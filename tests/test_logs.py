"""What a log line carries and what it never shows."""

import json
import logging
import uuid
from collections.abc import Callable, Iterator

import pytest
import structlog
from django.conf import settings as django_settings
from django.test import Client

from messaging.consuming import deliver
from messaging.errors import PutBack, Reject
from messaging.models import Delivery
from messaging.sweeper import Sweeper
from tests.messaging.conftest import end_lease, make_due
from tests.messaging.sample import recorder as the_recorder
from wildrydes.logs import logging_config, mask_secrets

Lines = Callable[[], list[dict]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Everything that is logged from INFO on, as servers write it: one JSON document per line."""
    written: list[str] = []

    class Listing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(self.format(record))

    config = logging_config(as_json=True, level="INFO")
    options = config["formatters"]["structured"]
    handler = Listing()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=options["foreign_pre_chain"], processors=options["processors"]
        )
    )
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    yield lambda: [json.loads(line) for line in written]
    root.removeHandler(handler)
    root.setLevel(level)


SECRETS = {
    "token": "wrrt_" + "a1B2" * 8,
    "invitation": "wrin_" + "a1B2" * 8,
    "webhook": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "provider's key": "sk_live_51QaBcDeFgHiJk",
    "card": "4242 4242 4242 4242",
    "card's digits": "5555555555554444",
    "access": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "bearer": "Bearer abcdef-0123456789",
    "person": "zaphod.beeblebrox+rides@acme.example",
    "address": "postgres://wild:hunter2hunter2@db.internal/x",
    "values": 'duplicate key value\nDETAIL:  Key (email)=("Zaphod") already exists.\n',
}


@pytest.mark.parametrize("name", SECRETS)
def test_no_line_shows_it(name: str, lines: Lines) -> None:
    try:
        int(f"could not use {SECRETS[name]}")
    except ValueError:
        logging.getLogger("a.library").exception("Not Found: /x/%s", SECRETS[name])
        structlog.get_logger("ours").warning("it.failed", path=SECRETS[name])
    told = json.dumps(lines())
    assert len(lines()) == 2
    for part in (
        "51QaBc",
        "4242 4242",
        "5555555555554444",
        "a1B2",
        "MfKQ9",
        "c2ln",
        "0123456789",
        "zaphod",
        "Zaphod",
        "hunter2",
    ):
        assert part not in told


def test_what_is_harmless_stays() -> None:
    for line in (
        "basic.vm.19085@vm ready.",
        '{"event": "saga.moved", "booking": "0199"}',
        "the basic authentication of a proxy",
        "Bearer token missing",
        "wr_test_gw0 wrought",
    ):
        assert mask_secrets(None, "info", line) == line


@pytest.fixture
def posted(committed, tenant, settings):
    from django.db import transaction

    from messaging.services import send
    from tenants.registry.context import enter_tenant
    from tests.messaging.sample import DoThing

    settings.MESSAGING = {**settings.MESSAGING, "TOPOLOGY": "tests.messaging.sample.TOPOLOGY"}
    the_recorder.reset()

    def post() -> Delivery:
        with enter_tenant(tenant), transaction.atomic():
            message_id = send(DoThing(thing_id=uuid.uuid4(), note="Zaphod's secret wish"))
        return Delivery.objects.get(message_id=message_id)

    yield post
    the_recorder.reset()


def raising(error: Exception):
    def handler(message) -> None:
        logging.getLogger("a.library").warning("a library's own line")
        structlog.get_logger("ours").info("a line of a handler")
        raise error

    return handler


TURNS = {
    "fails": ValueError("Zaphod's secret wish"),
    "is-put-back": PutBack("later"),
    "is-rejected": Reject("Zaphod's secret wish"),
    "succeeds": None,
}


@pytest.mark.parametrize("turn", TURNS)
def test_every_line_of_a_message_says_whose_it_is(turn: str, lines: Lines, posted, tenant) -> None:
    error = TURNS[turn]
    the_recorder.do = raising(error) if error else lambda message: structlog.get_logger("ours").info("a line")
    delivery = posted()
    before = len(lines())
    deliver(delivery.id)
    told = lines()[before:]
    assert told
    assert [(line.get("tenant"), line.get("correlation_id")) for line in told] == [
        (tenant.slug, str(delivery.correlation_id))
    ] * len(told)
    assert "Zaphod" not in json.dumps(told)


def test_a_claim_that_was_lost_and_a_takeover_say_it_too(lines: Lines, posted, tenant) -> None:
    delivery = posted()
    the_recorder.do = lambda message: Delivery.objects.filter(id=delivery.id).update(claim_id=uuid.uuid4())
    deliver(delivery.id)
    end_lease(delivery)
    Sweeper().pass_once()
    make_due(delivery)
    told = {line["event"]: line for line in lines()}
    for event in ("delivery.claim_lost", "delivery.taken_over"):
        assert (told[event]["tenant"], told[event]["correlation_id"]) == (tenant.slug, str(delivery.correlation_id))


def test_a_request_says_whose_it_is(lines: Lines, tenant, api_client) -> None:
    wanted = str(uuid.uuid4())
    answer = api_client(tenant).get("/api/v1/nothing/here", headers={"X-Request-Id": wanted})
    assert answer.status_code == 404
    [line] = [line for line in lines() if "nothing" in line["event"]]
    assert (line["tenant"], line["correlation_id"], line["request_id"]) == (tenant.slug, wanted, wanted)


def test_a_request_with_an_id_of_its_own_kind_has_a_correlation_all_the_same(lines: Lines, tenant) -> None:
    Client(headers={"host": "acme.localhost", "x-request-id": "order-4711"}).get("/api/v1/nothing/here")
    [line] = [line for line in lines() if "nothing" in line["event"]]
    assert line["request_id"] == "order-4711"
    assert uuid.UUID(line["correlation_id"])


def test_the_product_uses_it() -> None:
    assert mask_secrets in django_settings.LOGGING["formatters"]["structured"]["processors"]
