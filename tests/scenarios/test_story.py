"""Support asks what happened to a ride whose provider was away, in a real browser, against the running product."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.scenarios.rider import BehindTheScenes, Rider, eventually
from tests.scenarios.test_onboard_and_ride import log_in, page  # noqa: F401  # a fixture
from wildrydes.devstack import Stack
from wildrydes.devstack.logins import Login

# Where to leave pictures for people to look at; none by default.
PICTURES = os.environ.get("STORY_PICTURES", "")


@pytest.fixture
def rider(stack: Stack, logins: dict[str, Login]) -> Rider:
    return Rider(stack, logins["premium"])


@pytest.fixture
def behind(stack: Stack, rider: Rider) -> Iterator[BehindTheScenes]:
    scenes = BehindTheScenes(stack, rider.slug)
    yield scenes
    scenes.reset()


def picture(page: Page, name: str, **options: object) -> None:  # noqa: F811
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), **options)  # type: ignore[arg-type]


def troubled_ride(rider: Rider, behind: BehindTheScenes) -> str:
    """A ride whose provider is away until its time is over: it goes ahead on store credit, with a dead letter."""
    behind.dials(down="503", operations=["charge"])
    operation = rider.book()
    booking = operation["links"]["resource"].rsplit("/", 1)[-1]
    tried = "SELECT FROM journal_handlererror WHERE correlation_id = (SELECT correlation_id FROM bookings_booking WHERE id = %s)"
    eventually(lambda: len(behind.rows(tried, booking)) >= 3, what="three failed attempts")
    behind.rows("UPDATE payments_charge SET deadline_at = now() WHERE booking_id = %s RETURNING id", booking)
    assert rider.follow(operation)["result"]["paid_by"] == "store_credit"
    return str(booking)


def ask(page: Page, some_id: str) -> None:  # noqa: F811
    page.get_by_label("An id").fill(some_id)
    page.get_by_role("button", name="Tell").click()


def test_support_finds_out_what_happened(stack: Stack, page: Page, rider: Rider, behind: BehindTheScenes) -> None:  # noqa: F811
    booking = troubled_ride(rider, behind)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.set_viewport_size({"width": 1280, "height": 900})
    log_in(page, stack)
    page.get_by_role("link", name="What happened?").click()
    picture(page, "search")

    ask(page, booking)
    expect(page.get_by_text("payments.capture is in the dead letters")).to_be_visible()
    expect(page.locator(".story-prospect")).to_contain_text("that is owed as store credit would be taken from the card")
    expect(page.locator(".story-moment[data-kind=attempt]").first).to_contain_text("payments.capture: attempt 1 failed")
    expect(page.locator(".story-moment[data-kind=call]").first).to_contain_text("charge: 503")
    expect(page.locator(".story-moment[data-kind=money]").last).to_contain_text("Fare: owed as store credit")
    expect(page.locator(".story-picture svg [data-kind=delivery]").first).to_be_attached()
    picture(page, "story-top")
    picture(page, "story", full_page=True)

    # The same story from what the client, the provider and the dead letter call it.
    [letter] = behind.rows(
        "SELECT l.id, l.correlation_id, l.message_id FROM messaging_deadletter l JOIN bookings_booking b USING (correlation_id)"
        " WHERE b.id = %s",
        booking,
    )
    for some_id in (letter["id"], letter["correlation_id"], letter["message_id"]):
        ask(page, str(some_id))
        expect(page.locator(".story-facts")).to_contain_text(booking)

    # Kinds are switched off by their boxes.
    page.get_by_label("Deliveries").uncheck()
    expect(page.locator(".story-moment[data-kind=delivery]").first).to_be_hidden()

    # What an attempt said is a tenant's data: asked for, and on record.
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="What it said").first.click()
    expect(opened.value.locator(".story-text").first).to_contain_text("The payment provider answered 503.")
    picture(opened.value, "error")
    page.reload()
    expect(page.locator(".story-moment[data-kind=staff]").last).to_contain_text("story.error_viewed")

    page.evaluate("document.documentElement.classList.add('dark')")
    picture(page, "story-dark", full_page=True)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    picture(page, "story-phone", full_page=True)
    assert {url.split("/")[2] for url in requests} == {page.url.split("/")[2]}, "nothing comes from elsewhere"
