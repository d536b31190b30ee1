"""Debian's Chromium on the console, as a person uses it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.end_to_end.system import ROOT

SCREENSHOTS = ROOT / "build" / "screenshots"
WAIT_MS = 20_000

_FLAGS = [
    "--no-sandbox",  # root, as in CI, cannot have it
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """A headless browser; without one the test is skipped, which fails in CI."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("the console's tests want Chromium: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*_FLAGS, *flags])
        try:
            yield browser
        finally:
            browser.close()


def shoot(page: Page, name: str) -> Path:
    """Keep a picture of the whole page as build/screenshots/NAME.png."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    part = path.with_suffix(f".{os.getpid()}.png")
    page.screenshot(path=part, full_page=True)
    part.replace(path)
    return path
