"""What every page has in common."""

import time
from datetime import UTC, datetime

import pytest
from starlette.requests import Request

from host_agent.console.pages.rendering import Pages, ago, size, when
from host_agent.console.parts import ConsoleParts
from host_agent.store import StoreError
from tests.host_agent.console.markup import read

NOON_MS = 1_795_348_800_000
LONG = {"s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


@pytest.fixture
def in_nepal(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def pages(parts: ConsoleParts) -> Pages:
    return Pages(parts)


def anonymous(path: str = "/console/login") -> Request:
    return Request({"type": "http", "method": "GET", "path": path, "headers": [], "state": {}})


@pytest.mark.usefixtures("in_nepal")
def test_a_time_is_local_for_people_and_exact_for_programs() -> None:
    assert str(when(NOON_MS)) == (
        '<time datetime="2026-11-22T17:45:00+05:45">2026-11-22 17:45:00</time>'
    )


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [(None, "never"), (10**20, f"{10**20} ms"), (-(10**20), f"-{10**20} ms")],
    ids=["none", "far", "long-ago"],
)
def test_a_time_in_no_calendar_is_told_as_it_is(time_ms: int | None, text: str) -> None:
    assert when(time_ms) == text


@pytest.mark.parametrize(
    ("ago_ms", "text"),
    [
        (-5000, "now"),
        (999, "now"),
        (1000, "1 s ago"),
        (LONG["min"] - 1, "59 s ago"),
        (LONG["min"], "1 min ago"),
        (LONG["h"] - 1, "59 min ago"),
        (47 * LONG["h"], "47 h ago"),
        (48 * LONG["h"], "2 d ago"),
        (900 * LONG["d"], "900 d ago"),
    ],
)
def test_how_long_ago_that_was(ago_ms: int, text: str) -> None:
    (shown,) = read(ago({"now_ms": NOON_MS}, NOON_MS - ago_ms)).all("time")
    assert shown.text == text
    assert "data-ago" in shown.attributes
    moment = datetime.fromisoformat(shown.attributes["datetime"])
    assert moment.astimezone(UTC).timestamp() == pytest.approx((NOON_MS - ago_ms) / 1000)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (139_264, "136 KiB"), (1_500_000, "1.4 MiB"),
     (3 << 30, "3.0 GiB"), (2**53, "8388608.0 GiB")],
)  # fmt: skip
def test_a_size_is_short(count: int, text: str) -> None:
    assert size(count) == text


def test_a_message_is_text(pages: Pages) -> None:
    answer = pages.message(anonymous(), 404, "<b>No", "no such <i>\x1b[2J page")
    assert answer.status_code == 404
    page = read(bytes(answer.body).decode())
    assert [each.text for each in page.all("h1")] == ["<b>No"]
    assert "No such <i>\\x1b[2J page" in page.by_id("main").text


def test_who_is_not_logged_in_learns_nothing_of_the_agent(pages: Pages) -> None:
    page = read(bytes(pages.message(anonymous(), 404, "No", "nothing").body).decode())
    assert page.all("nav") == [] and page.all("form") == [] and page.all("script") == []
    assert page.by_id("problems").text == ""


def test_a_store_that_fails_is_a_problem_on_the_page(run_console) -> None:
    def problems() -> list[str]:
        raise StoreError("the store cannot be read")

    console = run_console(problems=problems)
    console.add_user()
    with console.browser() as browser:
        browser.log_in()
        page = read(browser.get("/console").text)
    assert "the store cannot be read" in page.by_id("problems").text


def test_a_keyboard_finds_its_way(signed_in) -> None:
    page = read(signed_in.get("/console").text)
    assert page.all("html")[0].attributes["lang"] == "en"
    first = page.all("a")[0]
    assert first.attributes["href"] == "#main"
    assert page.by_id("main").tag == "main"
    here = [link.text for link in page.all("a", **{"aria-current": "page"})]
    assert here == ["Overview"]
    named = [each for each in page.all("section") if "aria-labelledby" in each.attributes]
    assert all(page.by_id(each.attributes["aria-labelledby"]).text for each in named)
    for box in page.all("div", **{"class": "scroll"}):
        assert box.attributes["tabindex"] == "0" and box.attributes["role"] == "group"


def test_nothing_comes_from_elsewhere_or_stands_inline(signed_in) -> None:
    page = read(signed_in.get("/console").text)
    for element in page.elements:
        assert "style" not in element.attributes
        assert not any(name.startswith("on") for name in element.attributes)
        for name in ("src", "href", "action"):
            assert element.attributes.get(name, "/").startswith(("/", "#"))
    assert page.all("style") == []
    for element in (*page.all("script"), *page.all("link")):
        path = element.attributes.get("src") or element.attributes["href"]
        assert signed_in.get(path).status_code == 200


def test_a_page_is_not_kept_by_the_browser(signed_in) -> None:
    assert signed_in.get("/console").headers["Cache-Control"] == "no-store"
