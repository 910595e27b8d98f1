"""What staff see of the broker's queues: who waits, who works, who is noisy, and why a message waited.

It tells what is there at this moment; the truth about each delivery is its row. Ids only, of everything.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import redis
from django.conf import settings
from django.utils.timezone import now

from fairqueue import FairQueue
from fairqueue.options import Options
from fairqueue.queues import queues as known_queues
from fairqueue.views import GroupView, QueueView, Why
from messaging.depths import broker_client
from messaging.models import Delivery
from messaging.outbox import Wakeup
from messaging.settings import is_fair
from tenants.registry.context import enter_public
from tenants.registry.directory import TenantRef, tenant_by_id
from wildrydes.kernel.errors import DomainError, InvalidInput, NotFound

MOST_GROUPS = 200
_MOST_DELIVERIES = 20


class BrokerUnreadable(DomainError):
    """Redis does not answer, or the transport has no turns to tell of."""

    status = 503
    code = "broker-unreadable"
    title = "The broker cannot be looked at"


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueLook:
    """A queue and how many of its groups are noisy or paused."""

    view: QueueView
    noisy: int
    paused: int


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupLook:
    """A group of a queue. `tenant` is None for the platform's work; `wait` is the seconds a message sent now would wait."""

    view: GroupView
    tenant: TenantRef | None
    wait: float

    @property
    def name(self) -> str:
        """The tenant's, or the group's own."""
        return self.tenant.name if self.tenant else self.view.group


@dataclass(frozen=True, kw_only=True, slots=True)
class Explained:
    """Why one delivery's wake-up waits or waited. `row` says how the delivery itself stands; empty when it is done or unknown."""

    delivery_id: UUID
    queue: str
    row: str
    handler: str
    company: str
    why: Why


@contextmanager
def _broker() -> Iterator[redis.Redis]:
    if not is_fair():
        raise BrokerUnreadable("Celery's own transport knows no turns: set BROKER_TRANSPORT=fairqueue to have them.")
    try:
        with broker_client() as client:
            yield client
    except redis.RedisError as error:
        raise BrokerUnreadable(
            f"Redis does not answer ({type(error).__name__}). What waits is safe in PostgreSQL."
        ) from error


def fair_queue(name: str, client: redis.Redis) -> FairQueue:
    """The queue as our transport keeps it."""
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    return FairQueue(name, client, priority_steps=options["priority_steps"], options=Options.of(options))


def all_queues() -> list[QueueLook]:
    """Every queue that was ever used, those with the most work first.

    Raises:
        BrokerUnreadable: Redis is away, or the transport is the stock one.
    """
    with _broker() as client:
        looks = [_look(fair_queue(name, client)) for name in known_queues(client)]
    return sorted(looks, key=lambda look: (-look.view.waiting, -look.view.in_flight, look.view.queue))


def _look(queue: FairQueue) -> QueueLook:
    view, groups = queue.view(), queue.groups()
    return QueueLook(
        view=view,
        noisy=sum(group.noisy for group in groups),
        paused=sum(group.paused for group in queue.all_limits().groups.values()),
    )


def fair_groups() -> list[tuple[str, float, list[GroupView]]]:
    """Every queue with how many of its messages were worked on at once lately, on average, and its groups.

    Raises:
        BrokerUnreadable: as for `all_queues`.
    """
    with _broker() as client:
        found = ((name, fair_queue(name, client)) for name in known_queues(client))
        return [(name, queue.view().workers, queue.groups()) for name, queue in found]


def groups_of(queue: str) -> list[GroupLook]:
    """The groups of a queue with something waiting or in flight, the largest backlog first, 200 at most.

    Raises:
        NotFound: there is no such queue.
        BrokerUnreadable: as for `all_queues`.
    """
    with _broker() as client:
        if queue not in known_queues(client):
            raise NotFound("There is no such queue, or nothing was ever sent to it.")
        looked = fair_queue(queue, client)
        views = looked.groups()[:MOST_GROUPS]
        positions = looked.positions([view.group for view in views])
    return [GroupLook(view=view, tenant=_tenant(view.group), wait=positions[view.group].wait) for view in views]


def _tenant(group: str) -> TenantRef | None:
    try:
        return tenant_by_id(UUID(group))
    except ValueError:
        return None


def explain(typed: str) -> list[Explained]:
    """Why a delivery's wake-up waits or waited: by the delivery's id, or all of a message's or correlation's that are not done.

    Raises:
        InvalidInput: it is no id.
        BrokerUnreadable: as for `all_queues`.
    """
    try:
        wanted = UUID(typed.strip())
    except ValueError as error:
        raise InvalidInput("An id has 32 hexadecimal digits, with or without hyphens.") from error
    rows = _rows(wanted)
    with _broker() as client:
        if rows:
            return [_explained(row, client) for row in rows]
        found = ((name, fair_queue(name, client).why(str(wanted))) for name in known_queues(client))
        return [
            Explained(delivery_id=wanted, queue=name, row="", handler="", company=_company(why.group), why=why)
            for name, why in found
            if why.state != "unknown"
        ]


def _rows(wanted: UUID) -> list[Delivery]:
    with enter_public():
        for field in ("id", "message_id", "correlation_id"):
            rows = list(Delivery.objects.filter(**{field: wanted}).order_by("id")[:_MOST_DELIVERIES])
            if rows:
                return rows
    return []


def _explained(row: Delivery, client: redis.Redis) -> Explained:
    tenant = tenant_by_id(row.tenant_id) if row.tenant_id else None
    queue = Wakeup.of(row.id, row.epoch, row.queue_class, tenant).queue
    return Explained(
        delivery_id=row.id,
        queue=queue,
        row=_standing(row),
        handler=row.handler,
        company=tenant.name if tenant else "",
        why=fair_queue(queue, client).why(str(row.id)),
    )


def _standing(row: Delivery) -> str:
    if row.claim_id is not None:
        return f"A worker has it ({row.claimed_by})."
    if row.not_before > now():
        return f"It is not due before {row.not_before:%Y-%m-%d %H:%M:%S} UTC."
    if row.parked_in:
        return "It is due, and parked until its company's part of the queue is shorter."
    return "It is due."


def _company(group: str | None) -> str:
    tenant = _tenant(group or "")
    return tenant.name if tenant else group or ""
