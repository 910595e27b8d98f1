"""Stripe's record, page by page: its charges, then its refunds."""

import pytest
from django.db.models.functions import Now

from payments.ledger.domain import Account
from payments.ledger.selectors import balances
from payments.models import Charge
from payments.reconciliation import stripe_record
from payments.reconciliation.models import Item, Movement
from payments.reconciliation.runs import open_run_on_demand
from tenants.registry.models import Tenant
from tests.payments.conftest import FARE, Fare
from tests.payments.providers.test_stripe import simulators, stripe  # noqa: F401  # fixtures
from tests.payments.reconciliation.conftest import SOMEBODY
from wildrydes.kernel.money import Money


@pytest.fixture
def books(stripe, in_tenant, monkeypatch):  # noqa: F811
    monkeypatch.setattr(stripe_record, "_PAGE", 2)
    Tenant.objects.filter(id=in_tenant.id).update(created_at=Now())
    return stripe


def compare(drain):
    run = open_run_on_demand(actor=SOMEBODY)
    drain()
    run.refresh_from_db()
    assert run.state == "done", run.note
    return run


def test_agrees(books, drain):
    fares = [Fare() for _ in range(3)]
    declined = Fare(source="pm_card_chargeDeclined")
    drain()
    fares[0].refund(Money(400, "USD"))
    drain()
    assert declined.state == "declined"
    run = compare(drain)
    assert (run.movements, run.step, run.found) == (5, 3, 0)
    assert (
        Movement.objects.get(kind="refund").charge_ref
        == Charge.objects.get(booking_id=fares[0].booking_id).provider_ref
    )
    assert balances(currency="USD")[Account.PROVIDER] == 3 * FARE.minor - 400


def test_a_charge_whose_answer_never_came_is_settled(books, drain):
    fare = Fare()
    fare.capture.ask(fare.capture.prepare())
    fare.capture.die()
    run = compare(drain)
    assert (run.found, run.repaired, Item.objects.get().kind) == (1, 1, "unsettled")
    assert fare.totals == (0, FARE.minor, 0, FARE.minor)
