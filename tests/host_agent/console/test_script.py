"""console.js in a real browser: pages that bring themselves up to date."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from host_agent.clock import now_ms
from host_agent.store.records import BadEvent, CapturedEvent, Report
from tests.end_to_end.browser import WAIT_MS, chromium
from tests.host_agent.browser import USER_AGENT

expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(f"--user-agent={USER_AGENT}") as browser:  # a context's is not on every request
        yield browser


@pytest.fixture
def page(browser: Browser, console, signed_in) -> Iterator[Page]:
    """The overview, as ann sees it; it is loaded once."""
    cookie = signed_in.cookies["thingwarden"]
    with browser.new_context(base_url=console.url) as context:
        context.add_cookies(
            [{"name": "thingwarden", "value": cookie, "url": console.url + "/console"}]
        )
        page = context.new_page()
        page.goto("/console")
        expect(page.locator("#live")).to_have_text("Live")
        yield page


@pytest.fixture
def report(console):
    """report(frame, *events) comes from the device "door"."""
    store = console.parts.store
    device = store.add_device("door", "Lock")

    def send(frame: int, *events: BadEvent | CapturedEvent) -> None:
        console.call(store.accept, Report("door", device.key, 1, frame, now_ms(), events))

    return send


def warm(seq: int) -> CapturedEvent:
    values = {"temperature": 20.0 + seq}
    return CapturedEvent(1, seq, "temperature_reading", values, now_ms(), "board")


def bad(seq: int) -> BadEvent:
    return BadEvent(1, seq, "{}", f"bad for reason {seq}")


def test_what_happens_is_seen_and_the_page_stays(page: Page, report) -> None:
    loads: list[object] = []
    page.on("load", lambda page: loads.append(page))
    report(1, bad(1))
    letters = page.get_by_role("table", name="Dead letters")
    expect(letters).to_contain_text("bad for reason 1")
    expect(letters.locator("tr.fresh")).to_have_count(0)
    # What is new would look so for seconds only: too few on a busy machine.
    page.evaluate("addEventListener('animationend', event => event.stopPropagation(), true)")
    report(2, bad(2))
    expect(letters.locator("tr.fresh")).to_contain_text("bad for reason 2")
    assert loads == []


def test_long_names_stay_in_their_boxes(page: Page, console) -> None:
    name = "x" * 60
    console.parts.store.add_device(name, "W" * 60)
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 740})
        for path in ("/console", f"/console/devices/{name}"):
            page.goto(path)
            wide = page.evaluate(
                """Math.max(document.documentElement.scrollWidth,
                ...[...document.querySelectorAll("h1, #devices td")].map(
                    (each) => each.getBoundingClientRect().right))"""
            )
            assert wide <= width, path


def test_what_somebody_works_in_stays(page: Page, report) -> None:
    report(1, bad(1))
    link = page.locator("#dead").get_by_role("link", name="unreadable")
    link.focus()
    handle = link.element_handle()
    report(2, bad(2))
    expect(page.locator("#dead")).to_contain_text("bad for reason 2")
    assert handle.evaluate("link => link === document.activeElement")


def test_a_list_that_somebody_opened_goes_on_and_stays_open(page: Page, report) -> None:
    report(1, warm(1), warm(2))
    page.goto("/console/devices/door")
    page.get_by_text("Newest values of temperature").focus()
    page.keyboard.press("Enter")
    for seq in (3, 4):
        report(seq, warm(seq))
        values = page.get_by_role("region", name="Values of temperature")
        expect(values.get_by_role("row")).to_have_count(seq + 1)
    expect(page.locator("summary")).to_be_focused()


def test_a_page_that_cannot_be_brought_up_to_date_says_so(page: Page, console) -> None:
    console.parts.store.add_device("door", "Lock")
    page.goto("/console/devices/door")
    expect(page.locator("#live")).to_have_text("Live")
    console.parts.store.remove_device("door")
    expect(page.locator("#live")).to_have_text("Out of date")
    page.reload()
    expect(page.get_by_role("heading", name="No such device")).to_be_visible()
    expect(page.locator("#live")).to_be_empty()


def test_a_network_that_went_away_is_told_though_the_stream_knows_nothing(
    page: Page, report
) -> None:
    page.route("**/console", lambda route: route.abort())
    report(1, bad(1))
    expect(page.locator("#live")).to_have_text("Reconnecting…")
    page.unroute("**/console")
    expect(page.locator("#live")).to_have_text("Live")
    expect(page.locator("#dead")).to_contain_text("bad for reason 1")


def test_the_time_goes_on_by_itself(page: Page, report) -> None:
    report(1)
    seen = page.get_by_role("row", name="door").locator("time")
    expect(seen).to_have_text(re.compile(r"now|\d s ago"))
    page.route("**/console", lambda route: route.abort())
    before = seen.text_content() or ""
    expect(seen).not_to_have_text(before)
    expect(seen).to_have_text(re.compile(r"\d+ s ago"))


def test_who_is_logged_out_elsewhere_is_shown_the_login(page: Page, console) -> None:
    console.parts.store.people.remove_user("ann")
    page.wait_for_url("**/console/login*")


def test_an_agent_that_ended_is_told(page: Page, console) -> None:
    console.call(console.parts.live.stop)
    expect(page.locator("#live")).to_have_text("Reconnecting…")
    expect(page.get_by_role("heading", name="Devices")).to_be_visible()


def test_the_keyboard_gets_everywhere(page: Page, report) -> None:
    report(1, bad(1))
    expect(page.locator("#dead")).to_contain_text("bad for reason 1")
    page = page.context.new_page()
    page.goto("/console")
    focused: list[str] = []
    while len(focused) < 40:
        page.keyboard.press("Tab")
        active = page.locator(":focus")
        if active.count() == 0:
            break
        assert active.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
        focused.append(active.inner_text().split("\n")[0].strip())
    wanted = ["Skip to the content", "ThingWarden", "Overview", "Events", "Log out", "As a table"]
    assert [each for each in focused if each in wanted] == wanted
    assert {"door", "unreadable", "Retry all"} <= set(focused)
