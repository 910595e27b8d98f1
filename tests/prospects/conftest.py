"""What a dry run says is held against what handling the message then does."""

import uuid
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from messaging.consuming import deliver
from messaging.journal.models import HandlerError, Message
from messaging.messages import Envelope, Payload, to_payload
from messaging.models import Delivery
from messaging.topology import Prospect, Verdict, get_topology
from tenants.registry.context import current_tenant, entered_schema
from tests.bookings.conftest import ask, city  # noqa: F401  # fixtures
from wildrydes.kernel.ids import new_id

# What handling leaves behind in any case.
_BOOKKEEPING = {
    *("journal_trace", "journal_handlererror", "journal_outboundcall"),
    *("messaging_deadletter", "messaging_delivery"),
}
_DELIVERIES = "SELECT md5(coalesce(string_agg(r::text, '|' ORDER BY r::text), '')) FROM public.messaging_delivery r"


@dataclass(frozen=True)
class Judged:
    """What was foreseen, whether anything changed, and whether the handler failed."""

    prospect: Prospect
    changed: bool
    failed: bool

    def check(self, about: object = "") -> Verdict:
        """The verdict, when it was kept."""
        kept = {
            Verdict.ACT: (True, self.failed),
            Verdict.OBSOLETE: (False, False),
            Verdict.UNKNOWN: (self.changed, True),
        }[self.prospect.verdict]
        assert (self.changed, self.failed) == kept, (about, self)
        assert self.prospect.summary.endswith(".")
        return self.prospect.verdict


def handle(name: str, body: Payload, *, message_id: uuid.UUID | None = None) -> Judged:
    """Foresee the message for one handler, then let the engine handle it there, once."""
    route = get_topology().route(name)
    assert route is not None
    assert route.foresee is not None
    in_public = entered_schema() == "public"
    tenant = None if in_public else current_tenant()
    message = Message.objects.create(
        id=message_id or new_id(), kind="event", topic=body.topic, version=body.version, payload=to_payload(body),
        correlation_id=new_id(),
    )  # fmt: skip
    delivery = Delivery.objects.create(
        tenant_id=tenant.id if tenant else None, message_id=message.id, correlation_id=message.correlation_id,
        topic=body.topic, version=body.version, handler=name, queue_class=route.queue_class, not_before=Now(), due_at=Now(),
    )  # fmt: skip
    envelope: Envelope[Any] = Envelope(
        id=message.id, body=body, correlation_id=message.correlation_id, causation_id=None,
        occurred_at=Message.objects.get(id=message.id).occurred_at,
        delivery_id=delivery.id, attempt=1, tenant=tenant,
    )  # fmt: skip
    before = _fingerprint(delivery.id)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
        prospect = route.foresee(envelope)
        transaction.set_rollback(True)
    assert deliver(delivery.id)
    failed = HandlerError.objects.filter(delivery_id=delivery.id).exists()
    return Judged(prospect, _fingerprint(delivery.id) != before, failed)


def _fingerprint(delivery_id: uuid.UUID) -> str:
    """A digest of the entered schema's rows, without the bookkeeping of handling itself."""
    parts = [f"SELECT md5(coalesce(string_agg(r::text, '|' ORDER BY r::text), '')) FROM {t} r" for t in _tables()]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([*parts, f"{_DELIVERIES} WHERE r.id <> %s"]), [delivery_id])
        return "".join(digest for (digest,) in cursor.fetchall())


@cache
def _tables_of(schema: str) -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename !~ '^(django|auth)_' ORDER BY 1",
            [schema],
        )
        return tuple(table for (table,) in cursor.fetchall() if table not in _BOOKKEEPING)


def _tables() -> tuple[str, ...]:
    return (*_tables_of(entered_schema()), "public.fleet_reservation")
