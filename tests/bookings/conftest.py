"""A herd of unicorns, the real payment simulator, and rides asked for in a tenant."""

import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now

from bookings import services
from bookings.models import Booking
from fleet.domain import Point, cell_of
from fleet.models import Reservation, Unicorn, UnicornPosition
from tests.simulators.conftest import Simulator, running
from wildrydes.kernel.http import AllowList, OutboundConfig, configure_outbound
from wildrydes.kernel.ids import new_id


class Ledger:
    """The payment simulator: its dials for this tenant's account, and what it has in its books."""

    def __init__(self, simulator: Simulator, account: str) -> None:
        self._simulator = simulator
        self._account = account

    def script(self, *outcomes: str) -> None:
        """What happens to the next calls, in this order."""
        body = {"outcomes": list(outcomes), "account": self._account}
        assert self._simulator.call("POST", "/dials/next", body).status == 201

    def dials(self, **dials: object) -> None:
        assert self._simulator.call("PUT", f"/dials/{self._account}", dials).status == 200

    def reset(self) -> None:
        self._simulator.call("DELETE", f"/dials/{self._account}")

    def of(self, booking_id: uuid.UUID) -> list[tuple[str, str, int]]:
        """Kind, status and amount of each movement for a booking."""
        ledger = self._simulator.call("GET", f"/v1/ledger?account={self._account}").json()
        return [
            (row["object"], row["status"], row["amount"])
            for row in ledger["movements"]
            if row["reference"] == str(booking_id)
        ]


@pytest.fixture(scope="session")
def payment_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    yield from running("payments", tmp_path_factory.mktemp("rides-provider"))


@pytest.fixture
def ledger(payment_simulator: Simulator, tenant: Any, settings: Any) -> Iterator[Ledger]:
    configure_outbound(OutboundConfig(allow=AllowList.parse("127.0.0.0/8")))
    settings.PAYMENT_PROVIDER_URL = payment_simulator.url
    settings.PAYMENT_PROVIDER_TIMEOUT_SECONDS = 0.7
    books = Ledger(payment_simulator, tenant.slug)
    yield books
    books.reset()


@pytest.fixture
def city() -> Point:
    """A place on Earth of the test's own, so that no other test's unicorns are near."""
    return Point(random.uniform(-60, 60), random.uniform(-170, 170))


@pytest.fixture
def add_unicorn(city: Point) -> Callable[..., Unicorn]:
    def add(*, capacity: int = 4) -> Unicorn:
        unicorn = Unicorn.objects.create(
            operator_ref=uuid.uuid4(), name="Nimbus", capacity=capacity, status="available"
        )
        UnicornPosition.objects.create(
            unicorn=unicorn,
            latitude=city.latitude,
            longitude=city.longitude,
            cell=cell_of(city),
            reported_at=Now(),
        )
        return unicorn

    return add


@pytest.fixture
def ask(city: Point) -> Callable[..., Booking]:
    """Asks for a ride of 5 km in the city, as the API does; to be used inside a tenant's schema."""

    def request(*, user_id: uuid.UUID | None = None, **wishes: Any) -> Booking:
        wanted = {"pickup": city, "dropoff": Point(city.latitude + 5 / 111.2, city.longitude), "passengers": 2}
        with transaction.atomic():
            booking, _ = services.request_booking(
                user_id=user_id or uuid.uuid4(),
                wanted=services.RideRequest(**{**wanted, **wishes}),
                correlation_id=new_id(),
            )
        return booking

    return request


def is_reserved(booking: Booking) -> bool:
    """Whether a unicorn is kept for the booking."""
    return Reservation.objects.filter(booking_id=booking.id, released_at=None).exists()
