"""The console in a real browser: the whole product behind it, nobody reloads a page."""

import re
from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path)
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


def hvac(system: System) -> SimulatedBoard:
    return system.board(
        "hvac",
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
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
    found = Axe().run(page, options=rules)
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"


def test_a_press_and_a_command_are_seen_as_they_happen(
    context: BrowserContext, system: System
) -> None:
    page = context.new_page()
    log_in(page, system, "not the password")
    expect(page.get_by_role("alert")).to_be_visible()
    log_in(page, system)
    expect(page.get_by_role("heading", name="Devices")).to_be_visible()
    loads: list[str] = []
    page.on("load", lambda loaded: loads.append(loaded.url))
    with hvac(system) as board:
        row = page.get_by_role("row", name="hvac")
        expect(row).to_contain_text(re.compile(r"\d+ s|now"))
        assert loads == []
        row.get_by_role("link", name="hvac").click()
        expect(page.get_by_role("heading", name="hvac")).to_be_visible()
        del loads[:]
        board.press(BUTTON_PIN)
        events = page.get_by_role("region", name="Newest events")
        expect(events.get_by_text("buttonState")).to_be_visible()
        for millivolts in (730, 745, 760):
            board.millivolts(34, millivolts)
            board.wait_for(rf"temperature': {millivolts * 0.1 - 50:.0f}")
        expect(page.get_by_role("img", name=re.compile("temperature"))).to_be_visible()
        assert loads == []
        page.get_by_label("Command", exact=True).fill("power")
        page.get_by_label("Value (if it wants one)").fill("on")
        page.get_by_role("button", name="Send").click()
        board.wait_for_output(LAMP_PIN, 1)
        commands = page.get_by_role("region", name="Newest commands")
        expect(commands.get_by_text("done")).to_be_visible()
        shoot(page, "device")
    wait_until(
        lambda: [body for body in system.received() if body["SOURCE"] == "USER"],
        "the command at SecuriThings",
    )
    (event,) = [body for body in system.received() if body["SOURCE"] == "USER"]
    assert (event["TYPE"], event["USER_ID"], event["SOURCE_IP"]) == ("power", USER, "127.0.0.1")
    assert event["SESSION_ID"] and "Chrome" in event["USER_AGENT"]


def test_a_dead_letter_is_found_and_sent_again(context: BrowserContext, system: System) -> None:
    system.fault({"kind": "status", "status": 400, "count": 0})
    page = context.new_page()
    log_in(page, system)
    with hvac(system) as board:
        board.press(BUTTON_PIN)
        letter = page.get_by_role("table", name="Dead letters").get_by_role(
            "row", name="buttonState"
        )
        expect(letter).to_contain_text("400")
        shoot(page, "dead-letters")
        system.heal()
        letter.get_by_role("button", name="Retry").click()
        wait_until(
            lambda: [body for body in system.received() if body["TYPE"] == "buttonState"],
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


def test_every_page_is_accessible_and_fits_a_phone(
    browser: Browser, context: BrowserContext, system: System
) -> None:
    with hvac(system) as board:
        board.press(BUTTON_PIN)
        wait_until(lambda: len(system.received()) >= 2, "a reading and a press")
    page = context.new_page()
    page.goto(f"{system.console}/")
    is_accessible(page)
    log_in(page, system)
    expect(page.get_by_role("heading", name="Devices")).to_be_visible()
    state = context.storage_state()
    agent = page.evaluate("navigator.userAgent")
    newest = page_of_newest_event(page, system)
    paths = ("/console", "/console/devices/hvac", "/console/events", newest)
    for path in paths:
        page.goto(system.console + path)
        is_accessible(page)
    for scheme in ("dark", "light"):
        with browser.new_context(
            viewport=PHONE, user_agent=agent, storage_state=state, color_scheme=scheme
        ) as phone:
            small = phone.new_page()
            for path in paths:
                small.goto(system.console + path)
                fits(small)
                is_accessible(small)
                shoot(small, f"phone-{scheme}{path.replace('/', '-').replace(newest, '-event')}")


def page_of_newest_event(page: Page, system: System) -> str:
    page.goto(f"{system.console}/console/events")
    link = page.get_by_role("region", name="Newest first").get_by_role("link").first
    return str(link.get_attribute("href"))


def test_it_works_without_javascript(browser: Browser, system: System) -> None:
    with hvac(system) as board, browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        log_in(page, system)
        page.get_by_role("link", name="hvac").first.click()
        page.get_by_label("Command", exact=True).fill("power")
        page.get_by_label("Value (if it wants one)").fill("on")
        page.get_by_role("button", name="Send").click()
        board.wait_for_output(LAMP_PIN, 1)
        page.reload()
        page.get_by_role("button", name="Log out").click()
        page.goto(f"{system.console}/console")
        expect(page.get_by_label("Password")).to_be_visible()
