"""Rides for `make bench-pipeline`: a fleet that is always in sight, and clients that book over HTTP."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench._load import BODY
from wildrydes.kernel.ids import new_id

_RIDERS = 20
_UNICORNS = 60
# Rides are spread over so many hours, so that neither side runs out of unicorns and both search the same fleet.
_HOURS = 600


@dataclass(frozen=True)
class Rider:
    """Somebody with an access token."""

    token: str


def riders(slug: str) -> list[Rider]:
    """Users of the tenant; they need not be stored, because tokens are verified without the database."""
    from tenants.identity.models import User
    from tenants.identity.tokens import AccessToken
    from tenants.registry.directory import tenant_by_host

    tenant = tenant_by_host(f"{slug}.localhost")
    if tenant is None:
        raise SystemExit("The tenant was not onboarded.")
    users = [User(email=f"rider-{number}@{slug}.example", name="Ada", role="rider") for number in range(_RIDERS)]
    return [Rider(str(AccessToken.of(user, tenant))) for user in users]


def gather_fleet() -> None:
    """Unicorns around the pick-up, in sight for the whole run."""
    from django.utils import timezone

    from fleet.domain import Point, cell_of
    from fleet.models import Unicorn, UnicornPosition

    at = json.loads(BODY)["pickup"]
    for number in range(_UNICORNS):
        place = Point(at["latitude"] + number % 8 * 0.004, at["longitude"] + number // 8 * 0.004)
        unicorn = Unicorn.objects.create(operator_ref=new_id(), name=f"Nimbus {number}", capacity=4, status="available")
        UnicornPosition.objects.create(
            unicorn=unicorn,
            latitude=place.latitude,
            longitude=place.longitude,
            cell=cell_of(place),
            reported_at=timezone.now() + timedelta(hours=1),
        )


def book(
    port: int, host: str, callers: list[Rider], *, batch: str, count: int, rate: float | None, threads: int = 4
) -> None:
    """Book `count` rides with `batch` as their reference; with a rate, at fixed times (open loop)."""
    numbers = iter(range(count))
    lock = threading.Lock()
    start, failed = time.monotonic(), []

    def work() -> None:
        session = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            for index in _shared(numbers, lock):
                if rate is not None:
                    time.sleep(max(0.0, start + index / rate - time.monotonic()))
                _book(session, host, callers[index % len(callers)], batch, index)
        except Exception as error:  # noqa: BLE001  # told below
            failed.append(error)
        finally:
            session.close()

    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if failed:
        raise failed[0]


def _shared(numbers: Iterator[int], lock: threading.Lock) -> Iterator[int]:
    while True:
        with lock:
            index = next(numbers, None)
        if index is None:
            return
        yield index


def _book(session: http.client.HTTPConnection, host: str, rider: Rider, batch: str, index: int) -> None:
    pickup_at = datetime.now(UTC) + timedelta(hours=1 + index * 7 % _HOURS)
    body = {**json.loads(BODY), "reference": batch, "pickup_at": pickup_at.isoformat()}
    headers = {
        "Host": host,
        "Authorization": f"Bearer {rider.token}",
        "Content-Type": "application/json",
        "Idempotency-Key": str(new_id()),
    }
    session.request("POST", "/api/v1/bookings", json.dumps(body), headers)
    response = session.getresponse()
    text = response.read()
    if response.status != 202:
        raise RuntimeError(f"{response.status}: {text[:500]!r}")
