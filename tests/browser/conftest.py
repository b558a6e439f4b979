"""A real Chromium, if there is one, and a page in it that is watched.

Unaware of what is tested. Without playwright or Chromium these tests are skipped, and say so.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.galleries import gallery

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a gallery with a bit of everything."""
    return gallery(tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module: while it is open no event loop can be started in this thread."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, shop: Path) -> Iterator[Page]:
    """The gallery, opened from the file system. At the end nothing was complained of, nothing was asked elsewhere."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(f"console: {message.text}"))
    opened.on("pageerror", lambda error: said.append(f"error: {error}"))
    opened.on("requestfailed", lambda request: said.append(f"failed: {request.url}") if _has_failed(request) else None)
    opened.on("request", lambda request: said.append(request.url) if _is_elsewhere(request.url, shop) else None)
    opened.goto(shop.as_uri())
    yield opened
    context.close()
    assert said == []


def _has_failed(request: Request) -> bool:
    """Not because the page was left while it loaded."""
    return request.failure != "net::ERR_ABORTED"


def _is_elsewhere(url: str, shop: Path) -> bool:
    return not url.startswith((shop.parent.as_uri(), "data:"))
