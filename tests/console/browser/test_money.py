"""What finance does about a difference, in a browser: `docs/guides/support.md` tells the same with these pictures."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Page, expect

from payments.reconciliation.models import Item, Run, Statement
from payments.reconciliation.statements import FIGURES
from tenants.registry.context import enter_tenant
from tests.console.conftest import browser
from wildrydes.kernel.ids import new_id

DAY = datetime(2026, 11, 20, tzinfo=UTC)


def test_a_difference_is_understood_and_repaired(
    visit: Callable[..., Page], shoot: Callable[..., None], tenant: Any
) -> None:
    with enter_tenant(tenant):
        run = Run.objects.create(
            kind="daily", period_start=DAY, period_end=DAY + timedelta(days=1), state="done", movements=1_204, found=3,
            repaired=2, accounts=[None],
        )  # fmt: skip
        ref = "ch_5f1e0c7ab4d94f0e8d3b"
        Item.objects.create(
            run=run, kind="amount", subject=ref, provider_ref=ref, difference_minor=-700, currency="USD", booking_id=new_id(),
            proposal="accept", is_safe=False,
            ours={"charge": str(new_id()), "state": "captured", "amount": 1_250, "currency": "USD", "provider's id": ref},
            theirs={"id": ref, "kind": "charge", "amount": 1_950, "currency": "USD", "moved": "2026-11-20T18:02:11+00:00"},
        )  # fmt: skip
        figures = dict.fromkeys(FIGURES, 0) | {
            "opening_minor": 1_204_550, "captured_minor": 98_200, "refunded_minor": 4_150, "closing_minor": 1_298_600,
            "provider_opening_minor": 1_204_550, "provider_charged_minor": 98_900, "provider_refunded_minor": 4_150,
            "provider_closing_minor": 1_299_300, "open_minor": -700,
        }  # fmt: skip
        Statement.objects.create(run=run, day=DAY.date(), currency="USD", sha256="5f" * 32, **figures)
    page = visit(client=browser(role="operator", email="olga@wildrydes.example"))

    page.goto("/admin/")
    page.get_by_role("link", name="Money").click()
    page.get_by_role("link", name="Acme").click()
    expect(page.locator("#content")).to_contain_text("Charged with another amount")
    expect(page.locator("#content")).to_contain_text("12986.00 USD")
    shoot(page, "money")
    page.get_by_role("link", name="Charged with another amount").click()
    expect(page.locator("table")).to_contain_text("differs")
    shoot(page, "difference")
    page.get_by_role("button", name="Accept the provider's record").click()
    expect(page.locator(".head-line")).to_contain_text("Repaired")

    phone = visit(client=browser(role="support", email="sam@wildrydes.example"), size="phone")
    for address in ("/admin/money/", "/admin/money/acme/?all"):
        phone.goto(address)
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
