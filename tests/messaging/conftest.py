"""Messages of the sample topology, posted and looked after by hand."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import current_app
from django.db import connection, transaction

from messaging import outbox
from messaging.consuming import deliver
from messaging.errors import Reject
from messaging.models import DeadLetter, Delivery
from messaging.services import send
from tenants.registry.context import enter_public, enter_tenant
from tenants.registry.directory import TenantRef
from tests.messaging.deadletters.letters import fail
from tests.messaging.sample import DoThing, Recorder
from tests.messaging.sample import recorder as the_recorder
from tests.support.wakeups import Wakeups
from wildrydes.configuration.broker import broker_url, transport_options


@pytest.fixture(autouse=True)
def sample_topology(django_db_setup: None, settings: Any) -> None:
    settings.MESSAGING = {**settings.MESSAGING, "TOPOLOGY": "tests.messaging.sample.TOPOLOGY"}


both_transports = pytest.mark.parametrize("wakeups", ["fairqueue", "redis"], indirect=True)


@pytest.fixture
def wakeups(request: pytest.FixtureRequest, settings: Any) -> Iterator[Wakeups]:
    """An empty broker, reached by fairqueue unless the test names another transport."""
    transport = getattr(request, "param", "fairqueue")
    settings.MESSAGING = {**settings.MESSAGING, "TRANSPORT": transport}
    url = broker_url(transport, settings.REDIS_URL)
    given = {"broker_read_url": url, "broker_write_url": url, "broker_transport_options": transport_options(transport)}
    before = {name: current_app.conf[name] for name in given}
    current_app.conf.update(given)
    forget_senders()
    broker = Wakeups()
    broker.client.flushdb()
    yield broker
    broker.client.flushdb()
    current_app.conf.update(before)
    forget_senders()


def forget_senders() -> None:
    """Let this process connect to the broker anew, with nothing left to send."""
    outbox._breaker.__init__()
    outbox._local.__dict__.clear()
    outbox._patient_sender.close()
    outbox._later._waiting.clear()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    the_recorder.reset()
    yield the_recorder
    the_recorder.reset()


@pytest.fixture
def posted(tenant: TenantRef, recorder: Recorder) -> Callable[..., Delivery]:
    """Send a command in acme's schema and answer its delivery."""

    def post(command: Any = None, **options: Any) -> Delivery:
        with enter_tenant(tenant), transaction.atomic():
            message_id = send(command or DoThing(thing_id=uuid.uuid4()), **options)
        return Delivery.objects.get(message_id=message_id)

    return post


@pytest.fixture
def dead(posted: Callable[..., Delivery], recorder: Recorder) -> Callable[..., DeadLetter]:
    """A message of acme's that its handler rejected; handlers work again afterwards."""

    def die(command: Any = None, error: Exception | None = None) -> DeadLetter:
        recorder.do = fail(error or Reject("never"))
        delivery = posted(command or DoThing(thing_id=uuid.uuid4()))
        assert deliver(delivery.id)
        recorder.do = None
        return DeadLetter.objects.get(id=delivery.id)

    return die


def make_due(delivery: Delivery) -> None:
    """Let the time pass that a retry waits for."""
    with enter_public(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE messaging_delivery SET not_before = clock_timestamp(), due_at = clock_timestamp() WHERE id = %s",
            [delivery.id],
        )


def end_lease(delivery: Delivery) -> None:
    """Let the holder's lease run out."""
    with enter_public(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE messaging_delivery SET lease_until = clock_timestamp() - interval '1 ms', due_at = clock_timestamp()"
            " WHERE id = %s",
            [delivery.id],
        )
