"""The console in Chromium, against this process's own database, whose commits are real.

With the variable SCREENSHOTS the pages that the guides show are photographed into that folder (`make screenshots`).
"""

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
from django.test.testcases import LiveServerThread
from playwright.sync_api import Browser, BrowserContext, FloatRect, Page, sync_playwright

from tests.console.conftest import browser as log_in

CHROMIUM = Path("/usr/bin/chromium")
SIZES = {"laptop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        warnings.warn(f"{CHROMIUM} is not installed: THE CONSOLE'S BROWSER TESTS ARE SKIPPED", stacklevel=1)
        pytest.skip("no Chromium")
    # Playwright's loop runs in this thread, and Django would take its queries for asynchronous ones.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"]
        )
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Server(LiveServerThread):
    """The console over HTTP, from threads of this process; the product serves its static files itself."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1", lambda handler: WSGIHandler())
        self.start()
        assert self.is_ready.wait(30)
        assert self.error is None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"


@pytest.fixture
def server(committed: None) -> Iterator[Server]:
    serving = Server()
    yield serving
    if serving.is_alive():
        serving.terminate()


@pytest.fixture
def visit(chromium: Browser, server: Server) -> Iterator[Callable[..., Page]]:
    """Opens a page for somebody with a role: `visit("operator")`; a phone's with `size="phone"`."""
    opened: list[BrowserContext] = []

    def open_page(
        role: str = "operator", *, size: str = "laptop", dark: bool = False, client: Client | None = None
    ) -> Page:
        session = (client or log_in(role=role)).cookies["sessionid"].value
        context = chromium.new_context(
            base_url=server.url, viewport=SIZES[size], color_scheme="dark" if dark else "light"
        )
        context.add_cookies([{"name": "sessionid", "value": session, "url": server.url}])
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        return page

    yield open_page
    for context in opened:
        context.close()


def _main(page: Page) -> FloatRect:
    box = page.locator("#main").bounding_box()
    assert box is not None
    return {"x": box["x"], "y": 0, "width": box["width"], "height": min(box["height"], 800)}


@pytest.fixture
def shoot() -> Callable[..., None]:
    """Photographs a page under a name, where pictures are wanted."""
    folder = os.environ.get("SCREENSHOTS", "")

    def take(page: Page, name: str) -> None:
        if folder:
            page.mouse.move(0, 0)
            page.evaluate("scrollTo(0, 0); document.activeElement.blur()")
            page.wait_for_function("document.fonts.status === 'loaded'")
            target = Path(folder) / f"console-{name}.png"
            if name == "front" or name.startswith("phone"):
                page.screenshot(path=target, full_page=True, animations="disabled")
            else:
                # Without the sidebar, and as much as is seen at once.
                page.screenshot(path=target, clip=_main(page), animations="disabled")

    return take
