"""What staff see of a company's money, and what one click does."""

from datetime import UTC, datetime, timedelta

import pytest

from audit.models import Entry as AuditEntry
from payments.ledger.domain import Account
from payments.ledger.selectors import balances
from payments.reconciliation.models import Item, Run, Statement
from payments.reconciliation.statements import FIGURES
from tenants.registry.context import enter_tenant
from tests.console.conftest import browser, reverse, text_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def run(tenant):
    with enter_tenant(tenant):
        return Run.objects.create(
            kind="daily", period_start=NOON, period_end=NOON + timedelta(days=1), state="done", accounts=[None]
        )


@pytest.fixture
def item(tenant, run):
    with enter_tenant(tenant):
        return Item.objects.create(
            run=run, kind="amount", subject="ch_1", provider_ref="ch_1", difference_minor=-7, currency="USD",
            proposal="accept", is_safe=False, ours={"amount": 1250, "provider's id": "ch_1", "state": "captured"},
            theirs={"amount": 1257, "id": "ch_1", "reference": "<b>r</b>"},
        )  # fmt: skip


def test_the_overview_says_where_somebody_is_needed(staff, item):
    page = text_of(staff.get(reverse("admin:money")))
    assert "Acme 1 none yet" in page
    assert "Globex 0" in page


def test_both_sides_are_next_to_each_other(staff, item):
    answer = staff.get(reverse("admin:money_item", args=("acme", item.id)))
    page = text_of(answer)
    assert "amount differs 1250 1257" in page
    assert "ours less theirs: -0.07 USD" in page
    assert b"<b>r</b>" not in answer.content


def test_one_click_is_one_effect(tenant, item):
    operator = browser(role="operator", email="olga@staff.example")
    address = reverse("admin:money_repair", args=("acme", item.id))
    for _ in range(2):
        answer = operator.post(address, follow=True)
    assert "It is dealt with: repaired." in answer.content.decode()
    with enter_tenant(tenant):
        assert Item.objects.get().resolved_by == "olga@staff.example"
        assert balances(currency="USD")[Account.PROVIDER] == 7
    assert AuditEntry.objects.filter(action="reconciliation.repaired").count() == 1


def test_closing_needs_a_reason(staff, tenant, item):
    address = reverse("admin:money_close", args=("acme", item.id))
    assert "Say why" in staff.post(address, {"reason": ""}, follow=True).content.decode()
    assert "Seen with the bank" in text_of(staff.post(address, {"reason": "Seen with the bank"}, follow=True))


def test_support_sees_and_does_not_repair(item):
    support = browser(role="support")
    assert "Repairing takes the permission" in text_of(support.get(reverse("admin:money_item", args=("acme", item.id))))
    assert support.post(reverse("admin:money_repair", args=("acme", item.id))).status_code == 403


def test_another_companys_difference_is_not_found(staff, other_tenant, item):
    assert staff.get(reverse("admin:money_item", args=("globex", item.id))).status_code == 404
    assert staff.post(reverse("admin:money_repair", args=("globex", item.id))).status_code == 404


def test_statements_are_shown_and_told_as_csv(staff, tenant, run):
    with enter_tenant(tenant):
        Statement.objects.create(
            run=run, day=NOON.date(), currency="USD", sha256="ab" * 32,
            **dict.fromkeys(FIGURES, 0) | {"captured_minor": 1250, "closing_minor": 1250, "unexplained_minor": 3},
        )  # fmt: skip
    page = text_of(staff.get(reverse("admin:money_company", args=("acme",))))
    assert "2026-11-20 0.00 USD 12.50 USD" in page
    assert "0.03 USD" in page
    answer = staff.get(reverse("admin:money_statements", args=("acme",)))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="statements-acme.csv"'
    assert "Acme,2026-11-20,USD,0,1250" in answer.content.decode()


def test_comparing_now_begins_one_run(staff, tenant):
    address = reverse("admin:money_compare", args=("acme",))
    assert "The comparison has begun" in staff.post(address, follow=True).content.decode()
    assert "A comparison is under way" in staff.post(address, follow=True).content.decode()
    with enter_tenant(tenant):
        assert Run.objects.filter(kind="on_demand").count() == 1
