"""The real payment simulator as a process, and the messages of payments taken by hand, step by step."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from messaging.journal.models import Message
from messaging.messages import Envelope, from_payload
from messaging.models import DeadReason
from messaging.topology import DeadCause, get_topology
from payments import services
from payments.models import Charge, Totals
from tenants.registry.directory import forget
from tenants.registry.models import Tier
from tests.simulators.conftest import Simulator, running
from wildrydes.kernel.http import AllowList, OutboundConfig, configure_outbound
from wildrydes.kernel.ids import new_id
from wildrydes.kernel.money import Money

FARE = Money(1_250, "USD")


class Provider:
    """The simulator as tests see it: the tenant's account, its dials and its ledger."""

    def __init__(self, simulator: Simulator, account: str) -> None:
        self.simulator = simulator
        self.account = account

    def script(self, *outcomes: str, operation: str | None = None) -> None:
        body = {"outcomes": list(outcomes), "account": self.account}
        if operation:
            body["operation"] = operation
        assert self.simulator.call("POST", "/dials/next", body).status == 201

    def dials(self, **dials: object) -> None:
        assert self.simulator.call("PUT", f"/dials/{self.account}", dials).status == 200

    def reset(self) -> None:
        self.simulator.call("DELETE", f"/dials/{self.account}")

    def movements(self, booking_id: uuid.UUID) -> list[tuple[str, str, int]]:
        """Kind, status and amount of everything in the provider's books for a booking."""
        ledger = self.simulator.call("GET", f"/v1/ledger?account={self.account}").json()
        return [
            (row["object"], row["status"], row["amount"])
            for row in ledger["movements"]
            if row["reference"] == str(booking_id)
        ]


@pytest.fixture(scope="session")
def payment_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    yield from running("payments", tmp_path_factory.mktemp("provider"))


@pytest.fixture
def provider(payment_simulator: Simulator, in_tenant: Any, settings: Any) -> Iterator[Provider]:
    configure_outbound(OutboundConfig(allow=AllowList.parse("127.0.0.0/8")))
    settings.PAYMENT_PROVIDER_URL = payment_simulator.url
    settings.PAYMENT_PROVIDER_TIMEOUT_SECONDS = 0.7
    # Guards have tests of their own; here trouble is to be met time after time.
    settings.PAYMENT_BREAKER_FAILURES = 1_000_000
    settings.PAYMENT_RETRIES_PER_SECOND = 1_000_000.0
    provider = Provider(payment_simulator, in_tenant.slug)
    yield provider
    provider.reset()


@pytest.fixture
def tenant_tier(in_tenant: Any) -> Any:
    """Changes the policies of the tenant's tier."""

    def change(**policies: object) -> None:
        Tier.objects.filter(code=in_tenant.tier.code).update(**policies)
        forget()

    yield change
    forget()


@pytest.fixture
def nowhere(provider: Provider, settings: Any) -> str:
    """An address where nobody listens."""
    return "http://127.0.0.1:9"


@dataclass
class ByHand:
    """One message, taken through its handler's steps as the engine does, but only as far as a test wants."""

    message: Envelope[Any]
    route: Any

    @property
    def gateway(self) -> Any:
        return self.route.handler

    def prepare(self) -> Any:
        with transaction.atomic():
            return self.gateway.prepare(self.message)

    def ask(self, intent: Any) -> Any:
        """What the engine does between its two commits."""
        found = self.gateway.lookup(intent) if intent.may_have_been_sent else None
        return found if found is not None else self.gateway.call(intent)

    def settle(self, intent: Any, answer: Any) -> None:
        with transaction.atomic():
            self.gateway.settle(self.message, intent, answer)

    def run(self) -> str:
        intent = self.prepare()
        if intent is None:
            return "nothing to do"
        self.settle(intent, self.ask(intent))
        return "done"

    def die(self, detail: str = "The provider is down.") -> None:
        with transaction.atomic():
            self.route.on_dead(self.message, DeadCause(reason=DeadReason.ATTEMPTS, error_class="Retry", detail=detail))


def taken(topic: str) -> ByHand:
    """The latest message with this topic."""
    return taken_message(Message.objects.filter(topic=topic).latest("occurred_at", "id"))


def taken_message(message: Message) -> ByHand:
    """The message with its handler."""
    [route] = [route for route in get_topology().routes if route.message.topic == message.topic]
    envelope = Envelope(
        id=message.id,
        body=from_payload(message.payload, route.message),
        correlation_id=message.correlation_id,
        causation_id=None,
        occurred_at=datetime.now(UTC),
        delivery_id=new_id(),
        attempt=1,
        tenant=None,
    )
    return ByHand(envelope, route)


def published(booking_id: uuid.UUID) -> list[str]:
    """The topics of payments' events about a booking, in order."""
    events = Message.objects.filter(topic__startswith="payment.", payload__booking_id=str(booking_id))
    return list(events.order_by("id").values_list("topic", flat=True))


def last_event(booking_id: uuid.UUID) -> dict[str, Any]:
    events = Message.objects.filter(topic__startswith="payment.", payload__booking_id=str(booking_id))
    payload: dict[str, Any] = events.latest("id").payload
    return payload


def sent(topic: str) -> int:
    return Message.objects.filter(topic=topic).count()


class Fare:
    """A booking whose fare was asked for."""

    def __init__(self, *, source: str = "tok_visa", deadline: timedelta = timedelta(minutes=5), **more: Any) -> None:
        self.booking_id = uuid.uuid4()
        with transaction.atomic():
            services.request_capture(booking_id=self.booking_id, amount=FARE, source=source, deadline=deadline, **more)
        self.capture = taken("payments.capture")

    @property
    def state(self) -> str:
        return str(Charge.objects.get(booking_id=self.booking_id).state)

    @property
    def totals(self) -> tuple[int, int, int, int]:
        """Due, captured, credit, refunded."""
        row = Totals.objects.get(booking_id=self.booking_id)
        return row.due_minor, row.captured_minor, row.credit_minor, row.refunded_minor

    def refund(self, amount: Money = FARE) -> None:
        with transaction.atomic():
            services.request_refund(booking_id=self.booking_id, amount=amount, reason="The rider cancelled")
