"""The fast path: after the commit, one pipelined send tells Celery the ids of the new deliveries (claim check).

It may fail in every way and nothing is lost: the rows are the truth and the sweeper sends again. So it is given 50 ms, and a
breaker skips it while the broker is away; what it could not send is tried once more beside the caller (`second_chance`).
"""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self
from uuid import UUID, uuid4

import structlog
from celery import current_app
from django.db import connection, transaction

from messaging import metrics
from messaging.broker_clients import keep_client
from messaging.depths import lane_of
from messaging.routing import route
from messaging.second_chance import SecondChance
from messaging.settings import send_timeout_seconds
from tenants.registry.directory import TenantRef

DELIVER_TASK = "messaging.deliver"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wakeup:
    """One message to Celery. `group` is whose turn it takes on a fair transport (SQS' MessageGroupId)."""

    delivery_id: UUID
    epoch: int
    queue: str
    group: str
    # After many sends that nobody answered the broker's memory of them is not believed any more.
    round: int = 0

    @property
    def deduplication_id(self) -> str:
        """By which fairqueue knows one that waits or is being looked at already, and does not add it again."""
        return f"{self.delivery_id}:{self.epoch}" + (f":{self.round}" if self.round else "")

    @classmethod
    def of(cls, delivery_id: UUID, epoch: int, queue_class: str, tenant: TenantRef | None) -> Self:
        """The wake-up for a delivery, routed by the tenant's strategy."""
        routed = route(tenant, queue_class)
        return cls(delivery_id, epoch, routed.queue, routed.group)

    @property
    def lane(self) -> str:
        """What it fills; see `messaging.depths`."""
        return lane_of(self.queue, self.group)


class Outgoing:
    """What one transaction (or savepoint) posts: posts that are not written yet, and wake-ups to send when it commits.

    It lives among the connection's callbacks, so that what a savepoint rolls back is gone with it.
    """

    def __init__(self) -> None:
        self.posts: list[Any] = []
        self.wakeups: list[Wakeup] = []

    def __call__(self) -> None:
        """After the commit."""
        send_quickly(self.wakeups)


def outgoing_of_transaction() -> list[Outgoing]:
    """All there is in the current transaction, with its savepoints."""
    return [registered[1] for registered in connection.run_on_commit if isinstance(registered[1], Outgoing)]


def outgoing() -> Outgoing:
    """That of the current transaction or savepoint, made at need."""
    savepoints = set(connection.savepoint_ids)
    for registered in connection.run_on_commit:
        if isinstance(registered[1], Outgoing) and registered[0] == savepoints:
            return registered[1]
    new = Outgoing()
    transaction.on_commit(new, robust=True)
    return new


def wake_after_commit(wakeups: Iterable[Wakeup]) -> None:
    """Send these when the current transaction commits, in one batch with others of the same transaction."""
    outgoing().wakeups.extend(wakeups)


class _Breaker:
    """Opens for a moment after a failed send, so that a broker that is away costs a request nothing."""

    def __init__(self, open_seconds: float = 1.0) -> None:
        self._open_seconds = open_seconds
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self._open_until

    def failed(self) -> None:
        self._open_until = time.monotonic() + self._open_seconds


# For what a second chance sends: nobody waits for it.
_PATIENCE_SECONDS = 2.0
_NO_CANVAS = '{"callbacks": null, "errbacks": null, "chain": null, "chord": null}'


@lru_cache(maxsize=1)
def _headers() -> dict[str, Any]:
    """What the headers of all wake-ups of this process have in common, as Celery itself writes them."""
    headers: dict[str, Any] = current_app.amqp.as_task_v2("", DELIVER_TASK, args=(), ignore_result=True).headers
    return headers


class WakeupSender:
    """A connection to the broker of its own, with a time limit on every step. Used by one thread at a time."""

    def __init__(self, timeout: float) -> None:
        """`timeout` is in seconds, for connecting and for each answer."""
        self._timeout = timeout
        self._connection: Any = None
        self._producer: Any = None
        self._declared: set[str] = set()

    def send(self, wakeups: Sequence[Wakeup]) -> None:
        """Send all in one pipeline.

        Raises:
            Exception: whatever the broker's client raises; the connection is dropped and made anew next time.
        """
        try:
            producer = self._ready()
            with producer.batch():
                for wakeup in wakeups:
                    self._publish(producer, wakeup)
        except BaseException:
            self.close()
            raise

    def _publish(self, producer: Any, wakeup: Wakeup) -> None:
        """What `send_task` does for a plain call (task message protocol 2), at a third of its cost."""
        task_id = str(uuid4())
        producer.publish(
            f'[["{wakeup.delivery_id}", {wakeup.epoch}], {{}}, {_NO_CANVAS}]',
            exchange="",  # straight to the queue
            routing_key=wakeup.queue,
            content_type="application/json",
            content_encoding="utf-8",
            headers={
                **_headers(),
                "id": task_id,
                "root_id": task_id,
                "argsrepr": f"('{wakeup.delivery_id}', {wakeup.epoch})",
            },
            declare=() if wakeup.queue in self._declared else (current_app.amqp.queues[wakeup.queue],),
            retry=False,
            correlation_id=task_id,
            reply_to="",
            MessageGroupId=wakeup.group,
            MessageDeduplicationId=wakeup.deduplication_id,
        )
        self._declared.add(wakeup.queue)

    def _ready(self) -> Any:
        if self._producer is None:
            options = {
                **current_app.conf.broker_transport_options,
                "socket_timeout": self._timeout,
                "socket_connect_timeout": self._timeout,
                "retry_on_timeout": False,
                "max_connections": 4,
                # kombu's own pause before it connects again is two seconds.
                "max_retries": 1,
                "interval_start": 0,
                "interval_step": 0,
                "interval_max": 0,
            }
            self._connection = current_app.connection_for_write(
                transport_options=options, connect_timeout=self._timeout
            )
            channel = self._connection.default_channel
            keep_client(channel)
            self._producer = current_app.amqp.Producer(channel, auto_declare=False)
        return self._producer

    def close(self) -> None:
        """Forget the connection, whatever state it is in."""
        dropped, self._connection, self._producer = self._connection, None, None
        self._declared.clear()
        if dropped is not None:
            try:
                dropped.collapse() if hasattr(dropped, "collapse") else dropped.release()
            except Exception as error:  # noqa: BLE001  # a broken connection may fail to close in any way
                _log.debug("outbox.close_failed", error=type(error).__name__)


_breaker = _Breaker()
_local = threading.local()
_patient_sender = WakeupSender(_PATIENCE_SECONDS)


def _send_patiently(wakeups: Sequence[Wakeup]) -> None:
    _patient_sender.send(wakeups)
    metrics.count(metrics.WAKEUPS, "late", by=len(wakeups))


def _leave_to_the_sweeper(count: int) -> None:
    metrics.count(metrics.WAKEUPS_FAILED, "fast", by=count)


_later = SecondChance(_send_patiently, _leave_to_the_sweeper)


def send_quickly(wakeups: Sequence[Wakeup]) -> None:
    """Send, or give it a second chance beside the caller, or leave it to the sweeper: never raises and never takes long."""
    if not wakeups:
        return
    if _breaker.is_open:
        _later.offer(wakeups)
        return
    sender: WakeupSender | None = getattr(_local, "sender", None)
    if sender is None:
        sender = _local.sender = WakeupSender(send_timeout_seconds())
    try:
        sender.send(wakeups)
    except Exception as error:  # noqa: BLE001  # any failure of the broker means the same: somebody else sends
        _breaker.failed()
        _log.warning("outbox.send_failed", error=type(error).__name__, wakeups=len(wakeups))
        _later.offer(wakeups)
    else:
        metrics.count(metrics.WAKEUPS, "fast", by=len(wakeups))
