"""Real workers: one company's provider hangs, and another company's fares are taken as before."""

import statistics
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.db import transaction

from payments import services
from payments.models import Charge, ChargeState
from tenants.registry.context import enter_tenant
from tests.payments.conftest import FARE
from tests.simulators.conftest import Simulator
from tests.support.crew import Crew, eventually, told

HANGS_SECONDS = 8.0


def fares(tenant: Any, count: int, *, every: float = 0.0) -> list[uuid.UUID]:
    bookings = [uuid.uuid4() for _ in range(count)]
    for booking_id in bookings:
        with enter_tenant(tenant), transaction.atomic():
            services.request_capture(
                booking_id=booking_id, amount=FARE, source="tok_visa", deadline=timedelta(minutes=5)
            )
        time.sleep(every)
    return bookings


def seconds_to_capture(tenant: Any, bookings: list[uuid.UUID]) -> list[float]:
    def all_captured() -> list[float] | None:
        with enter_tenant(tenant):
            rows = list(Charge.objects.filter(booking_id__in=bookings, state=ChargeState.CAPTURED))
        if len(rows) < len(bookings):
            return None
        return [(row.settled_at - row.created_at).total_seconds() for row in rows]

    answer: list[float] = eventually(all_captured, within=60, what="captures")
    return answer


def test_a_provider_that_hangs_holds_up_its_own_company_alone(
    committed: None, tenant: Any, other_tenant: Any, payment_simulator: Simulator, tmp_path: Path
) -> None:
    simulator = payment_simulator
    crew = Crew(tmp_path, redis_url=django_settings.REDIS_URL)
    crew.environment |= {
        "PAYMENT_PROVIDER_URL": simulator.url,
        "OUTBOUND_ALLOW": "127.0.0.0/8",
        "PAYMENT_PROVIDER_TIMEOUT_SECONDS": str(HANGS_SECONDS),
        # The cap alone has to do it.
        "PAYMENT_BREAKER_FAILURES": "1000000",
    }
    try:
        crew.start(
            "worker", "worker", "--tier", "basic", "--tier", "premium", "--class", "payments", "--concurrency", "8"
        )
        crew.sweeper()
        before = seconds_to_capture(other_tenant, fares(other_tenant, 1)) and seconds_to_capture(
            other_tenant, fares(other_tenant, 10, every=0.1)
        )
        assert simulator.call("PUT", f"/dials/{tenant.slug}", {"timeout_before_rate": 1}).status == 200
        fares(tenant, 40)
        during = seconds_to_capture(other_tenant, fares(other_tenant, 20, every=0.1))
    finally:
        crew.finish()
        simulator.call("DELETE", f"/dials/{tenant.slug}")
    told(
        f"captured before {statistics.median(before):.2f} s, beside a provider that hangs {statistics.median(during):.2f} s"
    )
    # Without the cap all eight threads hang, and a neighbour's fare waits for at least one to be let go.
    assert max(during) < HANGS_SECONDS / 2
