"""The console in a real browser: the whole product behind it, nobody reloads a page."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.end_to_end.browser import WAIT_MS, chromium, shoot
from tests.end_to_end.system import BUTTON, THERMOMETER, System, wait_until
from tools.simulator import SimulatedBoard

USER, PASSWORD = "ann", "a quiet evening in May"
LAMP_PIN, BUTTON_PIN = 18, 14
PHONE = {"width": 360, "height": 740}

expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A person's browser, in which no page may show an error on its console."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    context.on("console", lambda said: errors.append(said.text) if is_ours(said) else None)
    try:
        yield context
    finally:
        context.close()
    assert errors == []


def is_ours(said: object) -> bool:
    """An error that is no answer of the server: Chromium shows each 4xx as one."""
    return said.type == "error" and "Failed to load resource" not in said.text  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Of all tests here, each with a board of its own."""
    system = System(tmp_path_factory.mktemp("system"))
    try:
        system.start()
        system.thingwarden("user", "add", USER, answer=PASSWORD + "\n")
        yield system
    finally:
        system.close()


def log_in(page: Page, system: System, password: str = PASSWORD) -> None:
    page.goto(f"{system.console}/")
    page.get_by_label("User name").fill(USER)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def thermostat(system: System, name: str) -> SimulatedBoard:
    return system.board(
        name,
        BUTTON,
        {**THERMOMETER, "every_ms": 500, "min_change": 0.2},
        commands={"power": {"pin": LAMP_PIN}},
        poll_s=1,
    )


def fits(page: Page) -> None:
    """Nothing sticks out to the right: a phone need not scroll sideways."""
    wide, seen = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= seen, page.url


def is_accessible(page: Page) -> None:
    """By the rules of WCAG 2 A and AA that axe can judge."""
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
    found = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]})
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"


def events_of(system: System, name: str, source: str) -> list[dict[str, Any]]:
    """What the cloud has got of a board."""
    told = (name, source)
    return [body for body in system.received() if (body["DEVICE_ID"], body["SOURCE"]) == told]


def mark(page: Page) -> None:
    page.evaluate("window.mark = true")


def is_marked(page: Page) -> bool:
    """It is the page that was marked, and was not loaded since."""
    return bool(page.evaluate("window.mark"))


def test_a_press_and_a_command_are_seen_as_they_happen(
    context: BrowserContext, system: System
) -> None:
    page = context.new_page()
    log_in(page, system, "not the password")
    expect(page.get_by_role("alert")).to_be_visible()
    log_in(page, system)
    expect(page.get_by_role("heading", name="Devices")).to_be_visible()
    mark(page)
    with thermostat(system, "hvac") as board:
        row = page.get_by_role("row", name="hvac")
        expect(row).to_contain_text(re.compile(r"\d+ s|now"))
        assert is_marked(page)
        row.get_by_role("link", name="hvac").click()
        expect(page.get_by_role("heading", name="hvac")).to_be_visible()
        mark(page)
        board.press(BUTTON_PIN)
        events = page.get_by_role("region", name="Newest events")
        expect(events.get_by_text("buttonState")).to_be_visible()
        for millivolts in (730, 745, 760):
            board.millivolts(34, millivolts)
            board.wait_for(rf"temperature': {millivolts * 0.1 - 50:.0f}")
        expect(page.get_by_role("img", name=re.compile("temperature"))).to_be_visible()
        assert is_marked(page)
        page.get_by_label("Command", exact=True).fill("power")
        page.get_by_label("Value (if it wants one)").fill("on")
        page.get_by_role("button", name="Send").click()
        board.wait_for_output(LAMP_PIN, 1)
        commands = page.get_by_role("region", name="Newest commands")
        expect(commands.get_by_text("done")).to_be_visible()
        shoot(page, "device")
    wait_until(lambda: events_of(system, "hvac", "USER"), "the command at SecuriThings")
    (event,) = events_of(system, "hvac", "USER")
    assert (event["TYPE"], event["USER_ID"], event["SOURCE_IP"]) == ("power", USER, "127.0.0.1")
    assert event["SESSION_ID"] and "Chrome" in event["USER_AGENT"]


def test_a_dead_letter_is_found_and_sent_again(context: BrowserContext, system: System) -> None:
    system.fault({"kind": "status", "status": 400, "count": 0})
    page = context.new_page()
    log_in(page, system)
    with thermostat(system, "far-away") as board:
        board.press(BUTTON_PIN)
        letter = page.get_by_role("table", name="Dead letters").get_by_role(
            "row", name="buttonState"
        )
        expect(letter).to_contain_text("400")
        shoot(page, "dead-letters")
        system.heal()
        letter.get_by_role("button", name="Retry").click()
        wait_until(
            lambda: "buttonState" in {e["TYPE"] for e in events_of(system, "far-away", "DEVICE")},
            "the event that was retried",
        )
    page.get_by_role("link", name="Events", exact=True).click()
    page.get_by_label("Type").fill("buttonState")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("region", name="Newest first").get_by_role("link").first.click()
    for step in ("Captured", "Received", "Stored", "Delivered"):
        expect(page.get_by_role("listitem").filter(has_text=step)).to_be_visible()
    shoot(page, "journey")


def test_who_is_blocked_by_guardiankey_does_not_get_in(browser: Browser, tmp_path: Path) -> None:
    system = System(tmp_path)
    try:
        system.start_with_guardiankey()
        system.thingwarden("user", "add", USER, answer=PASSWORD + "\n")
        with browser.new_context() as context:
            page = context.new_page()
            for _ in range(4):
                log_in(page, system, "not the password")
                expect(page.get_by_role("alert")).to_be_visible()
            log_in(page, system)
            expect(page.get_by_role("alert")).to_contain_text("blocked")
            shoot(page, "blocked")
            page.goto(f"{system.console}/console")
            expect(page.get_by_label("Password")).to_be_visible()
        judged = [told["event"] for told in system.guardiankey_events()]
        assert [event["loginFailed"] for event in judged] == ["1"] * 4 + ["0"]
        assert {event["userName"] for event in judged} == {USER}
    finally:
        system.close()


def test_every_page_is_accessible_and_fits_a_phone(context: BrowserContext, system: System) -> None:
    with thermostat(system, "seen") as board:
        board.press(BUTTON_PIN)
        wait_until(lambda: len(events_of(system, "seen", "DEVICE")) >= 2, "a reading and a press")
    page = context.new_page()
    page.goto(f"{system.console}/")
    is_accessible(page)
    log_in(page, system)
    expect(page.get_by_role("heading", name="Devices")).to_be_visible()
    wide = page.viewport_size
    pages = {
        "overview": "/console",
        "device": "/console/devices/seen",
        "events": "/console/events",
        "event": page_of_newest_event(page, system),
    }
    for name, path in pages.items():
        page.goto(system.console + path)
        is_accessible(page)
        page.set_viewport_size(PHONE)
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            fits(page)
            is_accessible(page)
            shoot(page, f"phone-{scheme}-{name}")
        page.set_viewport_size(wide)


def page_of_newest_event(page: Page, system: System) -> str:
    page.goto(f"{system.console}/console/events")
    link = page.get_by_role("region", name="Newest first").get_by_role("link").first
    return str(link.get_attribute("href"))


def test_it_works_without_javascript(browser: Browser, system: System) -> None:
    with (
        thermostat(system, "plain") as board,
        browser.new_context(java_script_enabled=False) as context,
    ):
        page = context.new_page()
        log_in(page, system)
        page.get_by_role("link", name="plain").first.click()
        page.get_by_label("Command", exact=True).fill("power")
        page.get_by_label("Value (if it wants one)").fill("on")
        page.get_by_role("button", name="Send").click()
        board.wait_for_output(LAMP_PIN, 1)
        page.reload()
        page.get_by_role("button", name="Log out").click()
        page.goto(f"{system.console}/console")
        expect(page.get_by_label("Password")).to_be_visible()
