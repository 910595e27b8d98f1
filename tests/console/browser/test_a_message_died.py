"""What support does when messages died, in a browser: `docs/guides/support.md` tells the same with these pictures."""

from collections.abc import Callable
from typing import Any

from django.db.models import Value
from django.db.models.functions import Concat
from playwright.sync_api import Page, expect

from audit.models import Entry
from audit.services import Actor
from messaging.deadletters.filters import LetterFilter
from messaging.deadletters.redriving.services import plan_run
from messaging.models import DeadLetter, RedriveItem
from tenants.registry.models import Tenant
from tests.console.browser.scenery import add_unicorn, ask, cancelled_rides, city, payment_simulator, provider
from tests.console.conftest import browser
from tests.support.draining import drain

__all__ = ["add_unicorn", "ask", "cancelled_rides", "city", "payment_simulator", "provider"]


def test_refunds_that_died_are_found_understood_tried_and_sent(
    visit: Callable[..., Page],
    shoot: Callable[..., None],
    cancelled_rides: Any,
    provider: Any,
    tenant: Any,
    other_tenant: Any,
) -> None:
    cancelled_rides(tenant, 5)
    cancelled_rides(other_tenant, 2)
    assert set(DeadLetter.objects.values_list("handler", "state")) == {("payments.refund", "open")}
    page = visit(client=browser(role="operator", email="olga@wildrydes.example"))

    page.goto("/admin/")
    expect(page.locator(".verdict")).to_contain_text("7 messages died and wait for somebody")
    shoot(page, "front")
    page.locator(".tile", has_text="Open dead letters").click()

    cause = page.locator(".cause")
    expect(cause).to_have_count(1)
    expect(cause).to_contain_text("ProviderRefused")
    expect(cause.locator(".cause-count")).to_contain_text("7 open")
    shoot(page, "causes")
    cause.get_by_role("link", name="Letters").click()
    page.locator(".list-main a").first.click()

    expect(page.locator(".notice")).to_contain_text("would be given back to the card")
    expect(page.locator(".facts").nth(1)).to_contain_text("Could not be refunded yet")
    page.get_by_role("button", name="Show the payload").click()
    expect(page.locator("#payload")).to_contain_text("refund_id")
    shoot(page, "letter")
    page.get_by_role("button", name="What it said").first.click()
    expect(page.locator("#said")).to_contain_text("The payment provider refused the request: 404")

    page.goto("/admin/messaging/deadletter/")
    page.get_by_role("link", name="Redrive …").click()
    page.get_by_label("Letters per second").fill("100")
    page.get_by_role("button", name="Make the dry run").click()
    expect(page.locator(".head-line")).to_contain_text("Planned; nothing is sent yet")
    expect(page.locator(".tally").first).to_contain_text("7 would act")
    shoot(page, "dry-run")

    provider.serve()
    page.get_by_role("button", name="Send one as canary").click()
    expect(page.locator(".head-line")).to_contain_text("its outcome is awaited")
    page.evaluate("window.sameDocument = true")
    drain(include_delayed=True)
    # Watched live: the page's script brings the news, nothing loads the page again.
    expect(page.locator(".run-percent")).to_contain_text("1 of 7 have their outcome")
    assert page.evaluate("window.sameDocument")
    assert provider.refunded(tenant) + provider.refunded(other_tenant) == 1
    shoot(page, "canary")

    page.get_by_role("button", name="Send the rest").click()
    drain(include_delayed=True)
    expect(page.locator(".run-percent")).to_contain_text("7 of 7 have their outcome, 100 %")
    expect(page.get_by_role("button", name="Cancel the run")).to_have_count(0)
    assert (provider.refunded(tenant), provider.refunded(other_tenant)) == (5, 2)
    assert set(DeadLetter.objects.values_list("state", flat=True)) == {"redriven"}

    page.goto("/admin/")
    expect(page.locator(".verdict")).to_have_text("Nothing is broken.")
    on_record(visit, shoot)


def on_record(visit: Callable[..., Page], shoot: Callable[..., None]) -> None:
    """An auditor finds all of it."""
    page = visit(client=browser(role="auditor", email="aud@wildrydes.example"))
    page.goto("/admin/audit/entry/?who=olga")
    for action in ("deadletter.payload_viewed", "deadletter.error_viewed", "deadletter.redrive"):
        expect(page.locator(".list")).to_contain_text(action)
    shoot(page, "audit")
    assert Entry.objects.filter(action="deadletter.redrive").count() == 7
    assert page.get_by_role("link", name="Redrive …").count() == 0


def test_pages_can_be_read_on_a_phone_and_in_the_dark(
    visit: Callable[..., Page], shoot: Callable[..., None], cancelled_rides: Any, tenant: Any
) -> None:
    cancelled_rides(tenant, 2)
    operator = browser(role="operator", email="olga@wildrydes.example")
    page = visit(client=operator, size="phone", dark=True)
    page.goto("/admin/")
    shoot(page, "phone-front")
    found = DeadLetter.objects.first()
    DeadLetter.objects.update(error_class="E" * 200, handler="h" * 80, resolution_note="n" * 500)
    Tenant.objects.update(name=Concat(Value("N" * 90), "slug"))
    run = plan_run(LetterFilter(fingerprint=found.fingerprint), rate=1, actor=Actor.system("a" * 254))
    RedriveItem.objects.update(summary="s" * 300, result="r" * 300)
    for address in (
        "/admin/",
        "/admin/messaging/deadletter/",
        "/admin/messaging/deadletter/letters/",
        f"/admin/messaging/deadletter/{found.id}/change/",
        f"/admin/messaging/redriverun/plan/?fingerprint={found.fingerprint}&handler={'h' * 80}",
        f"/admin/messaging/redriverun/{run.id}/change/",
        "/admin/messaging/redriverun/",
    ):
        page.goto(address)
        expect(page.locator("#content")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{address} is wider than a phone"


def test_it_says_so_when_the_server_cannot_be_reached_and_when_it_is_back(visit: Callable[..., Page]) -> None:
    page = visit()
    page.goto("/admin/")
    note = page.locator("#live-note")
    expect(note).to_contain_text("refreshed every 5 s")
    page.context.set_offline(True)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # somebody comes back to the page
    expect(note).to_contain_text("The server cannot be reached")
    page.context.set_offline(False)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(note).to_contain_text("refreshed every 5 s")
    page.context.clear_cookies()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(note).to_contain_text("no longer logged in")


def test_a_second_click_sends_nothing_twice(visit: Callable[..., Page], cancelled_rides: Any, tenant: Any) -> None:
    cancelled_rides(tenant, 1)
    page = visit(client=browser(role="support"))
    found = DeadLetter.objects.get()
    page.goto(f"/admin/messaging/deadletter/{found.id}/redrive/")
    page.get_by_role("button", name="Redrive").dblclick()
    expect(page.locator(".head-line")).to_contain_text("Being redriven")
    assert Entry.objects.filter(action="deadletter.redrive").count() == 1
