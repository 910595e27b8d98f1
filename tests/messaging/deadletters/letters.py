"""Letters, people and time, for the tests of dead letters, of runs and of their command."""

from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from audit.services import Actor
from messaging.consuming import deliver
from messaging.journal.models import Message
from messaging.models import DeadLetter, Delivery
from tenants.registry.context import enter_public, enter_tenant
from tenants.registry.directory import TenantRef
from wildrydes.kernel.ids import new_id

ADA = Actor.system("ada")
BOB = Actor.system("bob")


def fail(error: Exception) -> Callable[..., None]:
    def raising(*_: Any) -> None:
        raise error

    return raising


def state_of(letter: DeadLetter) -> str:
    letter.refresh_from_db()
    return letter.state


def tick(*, seconds: float = 1.0) -> None:
    """Let time pass for what is delayed and for runs' rates, then work off what is due once."""
    with enter_public(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE messaging_delivery SET not_before = not_before - make_interval(secs => %s) WHERE claim_id IS NULL",
            [seconds + 1],
        )
        cursor.execute("UPDATE messaging_redriverun SET stepped_at = stepped_at - make_interval(secs => %s)", [seconds])
        due = list(Delivery.objects.order_by("not_before").values_list("id", flat=True))
    for delivery_id in due:
        deliver(delivery_id)


def many_dead(tenant: TenantRef, count: int) -> list[DeadLetter]:
    """Letters written straight into the tables: thousands would take a minute by dying."""
    with enter_tenant(tenant), transaction.atomic():
        messages = [
            Message(
                id=new_id(),
                kind="command",
                topic="sample.do_thing",
                version=1,
                payload={"thing_id": str(new_id()), "note": ""},
                correlation_id=new_id(),
            )
            for _ in range(count)
        ]
        Message.objects.bulk_create(messages, batch_size=1000)
        rows = [
            DeadLetter(
                id=new_id(),
                tenant_id=tenant.id,
                message_id=message.id,
                correlation_id=message.correlation_id,
                topic=message.topic,
                version=1,
                handler="sample.do",
                queue_class="bookings",
                reason="rejected",
                fingerprint="cause",
                attempts=0,
                crashes=0,
                outcome_committed=True,
                accepted_at="2026-01-01T00:00:00Z",
            )
            for message in messages
        ]
        DeadLetter.objects.bulk_create(rows, batch_size=1000)
    return rows
