"""Both sides of a comparison: fares through the real engine, and what is done at the provider behind our back."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now

from audit.services import Actor
from payments.reconciliation.models import Item, Run, RunKind
from payments.reconciliation.runs import open_daily_run, open_run_on_demand
from tenants.registry.directory import TenantRef
from tenants.registry.models import Tenant
from tests.payments.conftest import FARE, Fare, Provider
from tests.simulators.conftest import Simulator, running
from tests.support.draining import drain

SOMEBODY = Actor.system("somebody")


class Books:
    """What a test does to both sides, and the comparison of them."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    def fares(self, number: int = 1) -> list[Fare]:
        """Captured ones."""
        fares = [Fare() for _ in range(number)]
        drain()
        assert all(fare.state == "captured" for fare in fares)
        return fares

    def at_the_provider(self, method: str, path: str, body: object, *, key: str = "") -> dict[str, Any]:
        """A call with the company's key that did not come from us."""
        headers = {
            "Authorization": f"Bearer sk_sim_{self.provider.account}",
            "Idempotency-Key": key or str(uuid.uuid4()),
        }
        answer = self.provider.simulator.call(method, path, body, **headers)
        assert answer.status < 300, answer
        row: dict[str, Any] = answer.json()
        return row

    def charge_behind_our_back(self, *, reference: str = "elsewhere", amount: int = FARE.minor) -> str:
        body = {"amount": amount, "currency": "USD", "source": "tok_visa", "reference": reference}
        return str(self.at_the_provider("POST", "/v1/charges", body)["id"])

    def record(self) -> list[dict[str, Any]]:
        """Everything in the provider's books for this company."""
        ledger = self.provider.simulator.call("GET", f"/v1/ledger?account={self.provider.account}").json()
        rows: list[dict[str, Any]] = ledger["movements"]
        return rows

    def compare(self) -> Run:
        """A comparison on demand, to its end."""
        run = open_run_on_demand(actor=SOMEBODY)
        drain()
        run.refresh_from_db()
        assert run.state == "done", run.note
        return run

    def close_the_day(self) -> Run:
        """The daily run of today, as it will be made tomorrow."""
        tomorrow = datetime.now(UTC).replace(hour=0, minute=30) + timedelta(days=1)
        assert open_daily_run(now=tomorrow)
        drain()
        run = Run.objects.get(kind=RunKind.DAILY)
        assert run.state == "done", run.note
        return run


@pytest.fixture
def payment_simulator(tmp_path: Path) -> Iterator[Simulator]:
    """A provider of one's own: its record has nothing of other tests."""
    yield from running("payments", tmp_path)


@pytest.fixture
def books(provider: Provider, in_tenant: TenantRef) -> Books:
    """A company that began today."""
    Tenant.objects.filter(id=in_tenant.id).update(created_at=Now())
    return Books(provider)


@pytest.fixture
def found() -> Callable[[], dict[str, Item]]:
    """The differences by kind."""
    return lambda: {str(item.kind): item for item in Item.objects.all()}
