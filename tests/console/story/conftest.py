"""Rides of every kind, worked off by the engine against the real simulator, whose stories are then asked for."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now

from bookings import services
from bookings.models import Booking
from messaging.models import Delivery
from tests.bookings.conftest import Ledger, add_unicorn, ask, city, ledger, payment_simulator  # noqa: F401  # fixtures
from wildrydes.kernel.ids import new_id


@pytest.fixture
def ride(in_tenant: Any, ledger: Ledger, add_unicorn: Any, ask: Any, drain: Any) -> Callable[..., Booking]:  # noqa: F811
    """A ride that was worked off: confirmed, unless the provider was told otherwise before. Call it inside the tenant."""
    add_unicorn()

    def taken(*, insist: Callable[[str], None] | None = None, **wishes: Any) -> Booking:
        booking: Booking = ask(**wishes)
        drain()
        if insist is not None:
            insist("payments.capture")
        booking.refresh_from_db()
        return booking

    return taken


@pytest.fixture
def insist(drain: Any) -> Callable[[str], None]:
    """Lets a handler try again without waiting, until it is done or given up."""

    def go_on(handler: str) -> None:
        while Delivery.objects.filter(handler=handler).update(not_before=Now() - timedelta(seconds=1)):
            drain()

    return go_on


@pytest.fixture
def cancel(drain: Any) -> Callable[[Booking], Any]:
    """Calls a ride off, as the API does, and works off what follows."""

    def call_off(booking: Booking) -> Any:
        with transaction.atomic():
            operation = services.cancel_booking(booking_id=booking.id, correlation_id=new_id())
        drain()
        return operation

    return call_off
