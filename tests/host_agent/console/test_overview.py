"""The overview, as a browser without JavaScript gets it."""

import re
from collections import Counter
from typing import Any

import pytest

from host_agent.clock import now_ms
from host_agent.people import Login
from host_agent.store.records import (
    AttemptVerdict,
    BadEvent,
    CapturedEvent,
    Dead,
    Report,
    StoredNotification,
)
from tests.host_agent.console.markup import Markup, read

EVIL = '<script>alert("x")</script>'


@pytest.fixture
def overview(signed_in):
    """overview() is the page as it is now."""

    def load() -> Markup:
        answer = signed_in.get("/console")
        assert answer.status_code == 200, answer.text
        return read(answer.text)

    return load


def press(seq: int, **fields: Any) -> CapturedEvent:
    known = {"type": "buttonState", "params": {"pressed": True}}
    return CapturedEvent(boot=1, seq=seq, time_ms=now_ms(), time_source="board", **(known | fields))


@pytest.fixture
def report(console, store):
    """report(device, *events, health=None) is accepted."""
    frames: Counter[str] = Counter()

    def send(name: str, *events: CapturedEvent | BadEvent, health: Any = None) -> None:
        device = store.device(name) or store.add_device(name, "Lock")
        frames[name] += 1
        console.call(
            store.accept,
            Report(name, device.key, 1, frames[name], now_ms(), events, health),
        )

    return send


@pytest.fixture
def give_up(console, store):
    """give_up(device, reason) makes dead letters of what waits."""

    def settle(name: str, reason: str) -> None:
        waiting = store.pending(name, 0, 100)
        console.call(store.settle, [Dead(event.id, reason) for event in waiting])

    return settle


def cells(page: Markup, device: str) -> str:
    """The text of its row, with one kind of dash."""
    return page.by_id(f"device-{device}").text.replace("\u2013", "-").replace("\u2212", "-")


def test_devices_stand_in_the_order_that_people_count_in(overview, store) -> None:
    for name in ("unit-10", "Unit-9", "zone", "Zebra", "unit-9a", "2"):
        store.add_device(name, "Lock")
    rows = [row.attributes.get("id", "") for row in overview().all("tr")]
    names = [row.removeprefix("device-") for row in rows if row.startswith("device-")]
    assert names == ["2", "Unit-9", "unit-9a", "unit-10", "Zebra", "zone"]


def test_devices_that_went_quiet_stand_first(console, overview, report, store) -> None:
    report("a")
    store.add_device("b", "Lock")
    for name in ("z-10", "z-9"):
        device = store.add_device(name, "Lock")
        console.call(store.accept, Report(name, device.key, 1, 1, now_ms() - 3_600_000))
    rows = [row.attributes.get("id", "") for row in overview().all("tr")]
    assert [row for row in rows if row.startswith("device-")] == [
        "device-z-9", "device-z-10", "device-a", "device-b",
    ]  # fmt: skip


def test_a_new_console_says_what_to_do(overview) -> None:
    page = overview()
    assert "thingwarden device add" in page.by_id("devices").text
    assert page.by_id("dead").text.startswith("None.")
    assert page.by_id("attempts").text.startswith("None yet")
    assert page.by_id("notifications").text.startswith("None yet")
    assert page.by_id("problems").text == ""


def test_a_device_is_shown_with_what_its_board_says(overview, report) -> None:
    health = {
        "version": "0.1.0",
        "heap": 139_264,
        "queue": 12,
        "rssi": -61,
        "discards": 3,
        "gaps": 1,
    }
    report("front-door", health=health)
    name, seen, figures = re.split(r" (now|\d s ago) ", cells(overview(), "front-door"))
    assert (name, figures) == ("front-door Lock", "1 12 136 KiB -61 dBm 0.1.0 4"), seen


def test_a_device_that_was_never_seen_has_no_figures(overview, store) -> None:
    store.add_device("new", "Keypad")
    assert cells(overview(), "new") == "new Keypad never - - - - - -"


def test_a_device_that_stopped_is_quiet(console, overview, store) -> None:
    device = store.add_device("old", "Lock")
    console.call(store.accept, Report("old", device.key, 1, 1, now_ms() - 3_600_000))
    page = overview()
    assert "quiet, 1 h ago" in cells(page, "old")
    assert "0 of 1" in page.by_id("figures").text


@pytest.mark.parametrize(
    "nonsense",
    [EVIL, -1000, 10**40, 1.5, True, None, [[]], {"a": EVIL}, "", "\x1b[2J\x00", "é" * 500],
    ids=["markup", "negative", "huge", "float", "bool", "null", "list", "object", "empty",
         "controls", "long"],
)  # fmt: skip
def test_a_board_may_say_anything_of_itself(overview, report, nonsense: object) -> None:
    names = ("version", "heap", "queue", "rssi", "discards", "gaps", "missed", "uptime_s", "reset")
    report("door", health=dict.fromkeys(names, nonsense) | {EVIL: nonsense})
    page = overview()
    *_, figures = re.split(r" (now|\d s ago) ", cells(page, "door"))
    assert figures.startswith("1 - - - ")
    assert len(cells(page, "door")) < 150
    assert scripts(page) == ["/console/static/console.js"]
    assert "\x1b" not in cells(page, "door") and "\x00" not in cells(page, "door")


def test_text_of_others_is_no_markup(console, overview, report, give_up, store) -> None:
    store.add_device("door", EVIL)
    report("door", press(1, type=EVIL), BadEvent(1, 2, EVIL, EVIL))
    give_up("door", EVIL)
    console.call(store.record_verdict, "door", verdict(response=EVIL, reason=EVIL))
    told = StoredNotification(EVIL, EVIL, EVIL, EVIL, 1.0, EVIL, EVIL, 1, now_ms(), "{}")
    console.call(store.record_notification, told)
    console.call(store.people.add_login, Login(now_ms(), EVIL, EVIL, EVIL, "refused", EVIL))
    page = overview()
    assert scripts(page) == ["/console/static/console.js"]
    for place, times in (("devices", 1), ("dead", 3), ("attempts", 2), ("notifications", 3)):
        assert page.by_id(place).text.count(EVIL) == times, place
    assert page.by_id("logins").text.count(EVIL) == 3


def test_dead_letters_have_a_reason_and_a_way_back(overview, report, give_up, signed_in) -> None:
    report("door", press(1), BadEvent(1, 2, "{}", "type: is missing"))
    give_up("door", "SecuriThings answered HTTP status 400")
    page = overview()
    assert "SecuriThings answered HTTP status 400" in page.by_id("dead").text
    assert "type: is missing" in page.by_id("dead").text
    links = [link.attributes["href"] for link in page.all("a")]
    retries = [
        form.attributes["action"]
        for form in page.all("form", method="post")
        if form.attributes["action"].endswith("/retry")
    ]
    assert retries[0] == "/console/dead-letters/retry"
    assert retries[1].removesuffix("/retry") in links
    assert len(retries) == 2, "the unreadable one cannot be delivered"
    csrf = signed_in.csrf()
    assert all(each.attributes["value"] == csrf for each in page.all("input", name="csrf"))
    assert "Dead letters 2" in page.by_id("figures").text


def test_a_long_reason_is_short_among_the_dead_letters(overview, report, give_up) -> None:
    report("door", press(1))
    give_up("door", "refused " * 60)
    told = overview().by_id("dead").text
    assert "refused refused" in told and "…" in told and len(told) < 300


def test_what_waits_is_told_with_its_age(overview, report) -> None:
    report("door", press(1), press(2))
    assert "Waiting 2 the oldest came" in overview().by_id("figures").text


def test_the_flow_is_a_picture_and_a_table(overview, parts) -> None:
    parts.metrics.events.labels("stored").inc(1200)
    parts.metrics.deliveries.labels("delivered").inc(7)
    parts.metrics.deliveries.labels("dead").inc(2)
    page = overview()
    assert "Received 1,200" in page.by_id("figures").text
    assert page.by_id("flow-told").text.startswith("1200 received, 7 delivered, 2 became")
    assert [bar.attributes["class"] for bar in page.all("rect")] == [
        "received",
        "delivered",
        "dead",
    ]
    assert page.by_id("flow-minutes").text.split()[1:4] == ["1,200", "7", "2"]
    assert len(page.all("tr")) > 60


def test_a_pause_of_delivery_is_told(overview, parts) -> None:
    parts.metrics.delivery_paused.set(1)
    assert "now paused" in overview().by_id("figures").text


def test_what_guardiankey_said_is_shown(console, overview, store) -> None:
    console.call(store.record_verdict, "door", verdict(response="BLOCK", risk=93.4))
    told = StoredNotification("e", "g", "alice", "NOTIFY", 48.0, "door", "203.0.113.7", 1, 2, "{}")
    console.call(store.record_notification, told)
    page = overview()
    assert page.by_id("attempts").text.endswith("door BLOCK 93 210 ms")
    assert page.by_id("notifications").text.endswith("alice NOTIFY 48 203.0.113.7")
    assert page.by_id("logins").text.endswith("ann accepted not asked 127.0.0.1")


def test_problems_stand_above_everything(run_console) -> None:
    console = run_console(problems=lambda: [f"delivery is paused: {EVIL}"])
    console.add_user()
    with console.browser() as browser:
        assert EVIL not in browser.get("/console/login").text
        assert "paused" not in browser.get("/console/login").text
        browser.log_in()
        page = read(browser.get("/console").text)
    assert f"delivery is paused: {EVIL}" in page.by_id("problems").text


def test_a_notice_is_shown_once_and_to_a_person(overview, signed_in) -> None:
    signed_in.submit("/console/dead-letters/retry")
    in_background = signed_in.get("/console", headers={"X-Background": "1"})
    assert 'class="notice"' not in in_background.text
    assert len(overview().all("p", **{"class": "notice"})) == 1
    assert overview().all("p", **{"class": "notice"}) == []


def test_everything_that_is_kept_up_to_date_can_be_found_again(overview, report, give_up) -> None:
    report("door", press(1), health={"heap": 1})
    give_up("door", "refused")
    page = overview()
    assert all("id" in each.attributes for each in page.elements if "data-live" in each.attributes)
    names = Counter(each.attributes.get("id") for each in page.elements)
    del names[None]
    assert set(names.values()) == {1}


def verdict(**fields: Any) -> AttemptVerdict:
    known = {"attempt": 1, "digest": bytes(32), "response": "ACCEPT", "took_ms": 210}
    return AttemptVerdict(**({"received_ms": now_ms()} | known | fields))


def scripts(page: Markup) -> list[str]:
    return [script.attributes.get("src", "inline") for script in page.all("script")]
