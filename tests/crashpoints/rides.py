"""The rides whose points are swept, each as its client lives through it."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.db import connection
from django.db.models.functions import Now
from django.test import Client

from bookings.models import Booking
from messaging.consuming import deliver
from messaging.models import Delivery
from tenants.registry.context import enter_public, enter_tenant
from tenants.registry.directory import TenantRef, tenant_by_host
from tests.crashpoints.probing import Probe

_log = structlog.get_logger(__name__)
HOST = "acme.localhost"
PICKUP, DROPOFF = (36.1147, -115.1728), (36.0840, -115.1537)
RIDES_AT_ONCE = 40


@dataclass(frozen=True, kw_only=True)
class Case:
    """One ride that something befalls: the number spreads rides over time, the key tells bookings apart."""

    ride: str
    number: int
    key: str


class Rider:
    """A client of the API in this process.

    Args:
        token: an access token.
        case: which ride it is.
        probe: watches the process.
    """

    def __init__(self, token: str, case: Case, probe: Probe) -> None:
        self._client = Client(raise_request_exception=False, headers={"host": HOST, "authorization": f"Bearer {token}"})
        self.case = case
        self.probe = probe

    def book(self) -> dict[str, Any] | None:
        """Ask for the ride; the operation, or None when the answer was no 202."""
        hours = 2 + 2 * (self.case.number // RIDES_AT_ONCE)
        body = {
            "pickup": {"latitude": PICKUP[0], "longitude": PICKUP[1]},
            "dropoff": {"latitude": DROPOFF[0], "longitude": DROPOFF[1]},
            "passengers": 1,
            "pickup_at": (_MIDNIGHT + timedelta(hours=hours)).isoformat(),
            "reference": self.case.key,
            **({"payment_source": "tok_declined"} if self.case.ride == "declined" else {}),
        }
        answer = self._ask("POST", "/api/v1/bookings", body, {"idempotency-key": self.case.key})
        return answer.json() if answer.status_code == 202 else None

    def cancel(self, operation: dict[str, Any]) -> int:
        """Call the booked ride off; the status."""
        return int(self._ask("POST", f"{operation['links']['resource']}/cancellation").status_code)

    def call_off(self, operation: dict[str, Any]) -> int:
        """Ask to cancel the operation; the status."""
        return int(self._ask("DELETE", operation["links"]["self"]).status_code)

    def read(self, path: str) -> Any:
        """GET it."""
        return self._ask("GET", path).json()

    def _ask(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Any:
        self.probe.who = f"{method} {path.split('/')[3]}{'/cancellation' if path.endswith('cancellation') else ''}"
        given = {} if body is None else {"data": json.dumps(body)}
        return self._client.generic(method, path, content_type="application/json", headers=headers, **given)


def work(probe: Probe) -> int:
    """Do what workers do with the wake-ups they were sent, until there is none left; how many there were."""
    done = 0
    while probe.wakeups:
        probe.who = "worker"
        try:
            done += deliver(probe.wakeups.pop(0))
        except Exception as error:  # noqa: BLE001 - as Celery does: a task that raises is logged and gone
            _log.warning("task.raised", error=type(error).__name__)
            connection.close()
    return done


def confirmed(rider: Rider) -> None:
    """Booked, planned, captured, confirmed; points, webhook."""
    rider.probe.arm()
    rider.book()
    work(rider.probe)


def declined(rider: Rider) -> None:
    """Booked, planned, declined, failed; webhook."""
    confirmed(rider)


def cancelled(rider: Rider) -> None:
    """A confirmed ride is called off: refunded, released, points taken back; webhook."""
    operation = rider.book()
    work(rider.probe)
    rider.probe.arm()
    if operation is not None:
        rider.cancel(operation)
    work(rider.probe)


def called_off(rider: Rider) -> None:
    """The operation is cancelled before a worker has begun."""
    rider.probe.arm()
    operation = rider.book()
    if operation is not None:
        rider.call_off(operation)
    work(rider.probe)


def looked_up(rider: Rider) -> None:
    """The provider's answer to the charge was lost: what became of it is looked up before anything else."""
    rider.book()
    rider.probe.lose_answers = 1
    work(rider.probe)
    rider.probe.arm()
    retry(rider.probe, "payments.capture", rider.case)


def refund_looked_up(rider: Rider) -> None:
    """A confirmed ride is called off, and the provider's answer to the refund was lost."""
    operation = rider.book()
    work(rider.probe)
    if operation is not None:
        rider.cancel(operation)
    rider.probe.lose_answers = 1
    work(rider.probe)
    rider.probe.arm()
    retry(rider.probe, "payments.refund", rider.case)


def retry(probe: Probe, handler: str, case: Case) -> None:
    """Wait until the delivery may be tried again and do what follows from it."""
    with enter_tenant(_tenant()):
        correlation_id = Booking.objects.get(reference=case.key).correlation_id
    due = Delivery.objects.filter(handler=handler, correlation_id=correlation_id, not_before__lte=Now())
    with enter_public():
        give_up = time.monotonic() + 10
        while not (found := due.first()):
            assert time.monotonic() < give_up, f"{handler} is not tried again"
            time.sleep(0.02)
    probe.wakeups.append(found.id)
    work(probe)


RIDES: dict[str, Callable[[Rider], None]] = {
    "confirmed": confirmed,
    "cancelled": cancelled,
    "declined": declined,
    "called off": called_off,
    "looked up": looked_up,
    "refund looked up": refund_looked_up,
}
_MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def new_key() -> str:
    """An idempotency key."""
    return str(uuid.uuid4())


def _tenant() -> TenantRef:
    found = tenant_by_host(HOST)
    assert found is not None
    return found
