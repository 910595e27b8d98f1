"""A morning on which the payment provider refused us: real rides, paid at the provider's simulator, whose refunds died."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from bookings.models import Booking, BookingState
from bookings.services import cancel_booking
from fleet.domain import Point
from tenants.registry.context import enter_tenant
from tenants.registry.directory import TenantRef
from tests.bookings.conftest import add_unicorn, ask, payment_simulator
from tests.support.draining import drain
from wildrydes.kernel.http import AllowList, OutboundConfig, configure_outbound

__all__ = ["add_unicorn", "ask", "payment_simulator", "provider"]


class Provider:
    """The payment provider as our settings see it: it may be told to refuse us, and to serve us again."""

    def __init__(self, settings: Any, simulator: Any) -> None:
        self._settings, self._simulator = settings, simulator
        self.serve()

    def refuse(self) -> None:
        """Every request is answered 404, as after a mistake in its address."""
        self._settings.PAYMENT_PROVIDER_URL = f"{self._simulator.url}/old-address"

    def serve(self) -> None:
        self._settings.PAYMENT_PROVIDER_URL = self._simulator.url

    def refunded(self, tenant: TenantRef) -> int:
        """How many refunds are in the provider's own books."""
        ledger = self._simulator.call("GET", f"/v1/ledger?account={tenant.slug}").json()
        return sum(row["object"] == "refund" for row in ledger["movements"])


@pytest.fixture
def provider(payment_simulator: Any, settings: Any) -> Provider:
    configure_outbound(OutboundConfig(allow=AllowList.parse("127.0.0.0/8")))
    return Provider(settings, payment_simulator)


@pytest.fixture
def city() -> Point:
    return Point(random.uniform(-60, 60), random.uniform(-170, 170))


@pytest.fixture
def cancelled_rides(
    provider: Provider, ask: Callable[..., Booking], add_unicorn: Callable[..., Any]
) -> Callable[[TenantRef, int], list[Booking]]:
    """Rides that were paid and cancelled while the provider refused us: each leaves a dead letter."""

    def make(tenant: TenantRef, count: int) -> list[Booking]:
        provider.serve()
        for _ in range(count):
            add_unicorn()
        with enter_tenant(tenant):
            rides = [ask() for _ in range(count)]
        drain()
        with enter_tenant(tenant):
            assert {Booking.objects.get(id=ride.id).state for ride in rides} == {BookingState.CONFIRMED}
            for ride in rides:
                with transaction.atomic():
                    cancel_booking(booking_id=ride.id, correlation_id=ride.correlation_id)
        provider.refuse()
        drain()
        return rides

    return make
