"""Workers and sweepers as real processes, on a database in which commits are real and a Redis of their own."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connection, transaction

from messaging.journal.models import Message
from messaging.models import DeadLetter, Delivery
from messaging.services import send
from tenants.registry.context import enter_public, enter_tenant
from tenants.registry.directory import TenantRef
from tests.messaging.processes.poison import CallWork, Hang, Work
from tests.support.crew import Crew
from wildrydes.embedded import EmbeddedValkey

TOPOLOGY = "tests.messaging.processes.poison.TOPOLOGY"
LEASE = 3.0


@pytest.fixture(autouse=True)
def sample_topology(django_db_setup: None, settings: Any) -> None:
    settings.MESSAGING = {**settings.MESSAGING, "TOPOLOGY": TOPOLOGY}


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """A Redis that a test may kill."""
    server = EmbeddedValkey(tmp_path_factory.mktemp("redis"), fsync=False)
    server.start()
    yield server
    server.destroy()


@pytest.fixture
def crew(committed: None, valkey: EmbeddedValkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    valkey.start()
    # What one transport left there the other cannot read.
    redis.Redis.from_url(valkey.client_url).flushall()
    # The fast path of this process goes nowhere: whatever is worked on was sent by the sweeper.
    monkeypatch.setattr("messaging.outbox.send_quickly", lambda wakeups: None)
    made = Crew(
        tmp_path,
        redis_url=valkey.url,
        TOPOLOGY=TOPOLOGY,
        LEASE_SECONDS=LEASE,
        SWEEP_INTERVAL_SECONDS=0.1,
        RESEND_BACKOFF_SECONDS=[2, 4, 8],
        WORKER_GRACE_SECONDS=2.0,
    )
    yield made
    made.finish()


class Shop:
    """Posts work and looks what became of it."""

    def __init__(self, tenant: TenantRef) -> None:
        self.tenant = tenant

    def post(self, kind: str = "good", count: int = 1, *, call: bool = False, seconds: float = 0.0) -> list[uuid.UUID]:
        """Send so many; answers their things' ids."""
        things = [uuid.uuid4() for _ in range(count)]
        message = CallWork if call else Hang if kind == "hang" else Work
        with enter_tenant(self.tenant), transaction.atomic():
            for thing in things:
                send(message(kind=kind, thing_id=thing, seconds=seconds))
        with enter_public(), connection.cursor() as cursor:
            cursor.execute("UPDATE messaging_delivery SET due_at = not_before WHERE claim_id IS NULL AND sends = 0")
        return things

    def _told(self, topic: str) -> list[uuid.UUID]:
        with enter_tenant(self.tenant):
            payloads = Message.objects.filter(topic=topic).values_list("payload", flat=True)
            return [uuid.UUID(payload["thing_id"]) for payload in payloads]

    def effects(self) -> list[uuid.UUID]:
        """The things that were done, each as often as it was."""
        return self._told("poison.effect")

    def outcomes(self) -> list[uuid.UUID]:
        """The things that ended with their outcome."""
        return self._told("poison.outcome")

    def open(self) -> list[Delivery]:
        """What has not ended."""
        with enter_public():
            return list(Delivery.objects.all())

    def letters(self) -> list[DeadLetter]:
        """What died."""
        with enter_public():
            return list(DeadLetter.objects.all())


@pytest.fixture
def shop(committed: None, tenant: TenantRef, crew: Crew) -> Shop:
    return Shop(tenant)
