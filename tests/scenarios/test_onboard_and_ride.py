"""A company is onboarded through the console in a real browser; then its first user books a ride through the API."""

import re
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from wildrydes.devstack import Stack
from wildrydes.devstack.dialogue import Visitor
from wildrydes.devstack.logins import Login, Logins

CHROMIUM = Path("/usr/bin/chromium")
PASSWORD = "a unicorn for every rider"


@pytest.fixture
def page() -> Iterator[Page]:
    if not CHROMIUM.exists():
        warnings.warn(f"{CHROMIUM} is not installed: THE BROWSER SCENARIO IS SKIPPED", stacklevel=1)
        pytest.skip("no Chromium")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-dev-shm-usage"])
        opened = browser.new_page()
        opened.set_default_timeout(30_000)
        yield opened
        browser.close()


def log_in(page: Page, stack: Stack) -> str:
    staff = Logins.read(stack.layout.demo).staff
    assert staff is not None
    page.goto(staff.url)
    page.fill("[name=username]", staff.email)
    page.fill("[name=password]", staff.password)
    page.click("button[type=submit]")
    expect(page.get_by_role("link", name="Onboard a company")).to_be_visible()
    return staff.url


def fill_form(page: Page, slug: str) -> None:
    page.get_by_role("link", name="Onboard a company").click()
    page.get_by_label("Company name").fill(slug.title())
    page.get_by_label("Short name").fill(slug)
    page.get_by_label("Tier").select_option("premium")
    page.get_by_label("Currency").select_option("EUR")
    page.get_by_label("First user's e-mail").fill(f"ada@{slug}.example")
    page.get_by_label("First user's name").fill("Ada")
    page.get_by_role("button", name="Onboard").click()


def invitation_of(stack: Stack, slug: str, deadline: float) -> str:
    """The link in the e-mail that the worker's console shows."""
    pattern = re.compile(rf"https?://{slug}\.localhost\S*/invitations/\S+")
    while time.monotonic() < deadline:
        found = pattern.search(stack.layout.log.read_text(errors="replace"))
        if found:
            return found[0]
        time.sleep(0.2)
    raise AssertionError("no invitation was mailed")


def test_a_company_onboarded_in_a_browser_books_a_ride(stack: Stack, page: Page) -> None:
    slug = f"umbrella{time.time_ns() % 10**8}"
    log_in(page, stack)
    fill_form(page, slug)
    # Watched live: the page's script brings the end, nothing loads the page again.
    page.evaluate("window.sameDocument = true")
    expect(page.locator("#run-steps li[data-state=done]")).to_have_count(6)
    expect(page.locator("#run-state")).to_have_text("Done")
    assert page.evaluate("window.sameDocument")
    without_scripts = page.context.browser.new_context(
        java_script_enabled=False, storage_state=page.context.storage_state()
    ).new_page()
    without_scripts.goto(page.url)
    expect(without_scripts.locator("#run-steps li[data-state=done]").last).to_be_visible()

    link = invitation_of(stack, slug, time.monotonic() + 30)
    page.goto(link)
    for field in page.locator("input[type=password]").all():
        field.fill(PASSWORD)
    with page.expect_response(lambda answer: answer.request.method == "POST") as accepted:
        page.locator("button[type=submit]").click()
    assert accepted.value.status == 200, page.locator("body").inner_text()

    port = urlsplit(stack.base_url).port
    login = Login(url=f"http://{slug}.localhost:{port}", tier="premium", email=f"ada@{slug}.example", password=PASSWORD)
    visitor = Visitor(stack.base_url, login=login, show=lambda line: None)
    visitor.log_in()
    visitor.book()
