"""People look for events, follow one, and have dead letters delivered again."""

import html
import re
import time
from typing import Any

import pytest

from host_agent.clock import now_ms
from host_agent.console.pages.event_search import PAGE as PAGE_SIZE
from host_agent.store import BadEvent, Caller, Dead, Delivered, ExternalEvent, Retry, Store
from tests.host_agent.console.boards import Board
from tests.host_agent.console.markup import text_of

PAGE = "/console/events"


def found(browser: Any, **query: str) -> list[int]:
    """The row ids of a page of the search."""
    answer = browser.get(PAGE, params=query)
    assert answer.status_code == 200, answer.text
    return [int(number) for number in re.findall(r'<tr role="row" id="event-(\d+)">', answer.text)]


def test_events_are_found_by_each_field(board: Board, store: Store, console, signed_in) -> None:
    board.report(("buttonState", {"pressed": True}), ("light_reading", {"light": 7}))
    Board(store, console.call, "attic").report(("buttonState", {"room": "100% <b>"}))
    first, second, third = range(1, 4)
    console.call(store.settle, [Dead(first, "HTTP 422: no such tenant"), Delivered(second, 5)])
    assert found(signed_in) == [third, second, first]
    assert found(signed_in, device="attic") == [third]
    assert found(signed_in, type="buttonState") == [third, first]
    assert found(signed_in, state="dead") == [first]
    assert found(signed_in, text="TENANT") == [first]
    assert found(signed_in, text="0% <b>") == [third]
    assert found(signed_in, text="front-door:1:2") == [second]
    assert found(signed_in, device="attic", type="light_reading") == []


def test_events_are_found_by_local_time(board: Board, signed_in) -> None:
    board.report(("buttonState", {"pressed": True}))
    happened = board.newest().time_ms / 1000
    before, after = (
        time.strftime("%Y-%m-%dT%H:%M", time.localtime(happened + shift)) for shift in (-60, 60)
    )
    assert found(signed_in, since=before, until=after) == [1]
    assert found(signed_in, since=after) == found(signed_in, until=before) == []


def test_older_ones_follow_page_by_page(board: Board, signed_in) -> None:
    board.report(*[("buttonState", {"pressed": True})] * (2 * PAGE_SIZE + 1))
    pages, query = [], "?type=buttonState"
    while query:
        page = signed_in.get(PAGE + query).text
        pages.append([int(number) for number in re.findall(r'id="event-(\d+)"', page)])
        older = re.findall(rf'href="{PAGE}(\?[^"]+)">Older', page)
        query = html.unescape(older[0]) if older else ""
    assert [len(page) for page in pages] == [PAGE_SIZE, PAGE_SIZE, 1]
    assert [number for page in pages for number in page] == list(range(2 * PAGE_SIZE + 1, 0, -1))


@pytest.mark.usefixtures("board")
def test_what_cannot_be_looked_for_is_told_beside_the_form(signed_in) -> None:
    wrong = {
        "since": ["yesterday", "0001-01-01T00:00", "2026-13-01"],
        "until": ["2026-11-22T25:00", "1" * 5000],
        "state": ["<lost>"],
        "device": ["x" * 129],
        "type": ["x" * 129],
        "text": ["x" * 201],
        "before": ["-1", "1.5", "٣", str(2**63), "9" * 5000],
    }
    for field, values in wrong.items():
        for value in values:
            answer = signed_in.get(PAGE, params={field: value})
            assert answer.status_code == 400, (field, value[:30])
            assert f"{field.capitalize()}: " in text_of(answer.text)
            assert "<lost>" not in answer.text


def test_a_search_that_takes_too_long_is_told(board: Board, store: Store, signed_in) -> None:
    board.report(("buttonState", {"pressed": True}))
    searching = store._searcher._searching  # another search, under way for as long as it likes
    with searching:
        answer = signed_in.get(PAGE, params={"text": "pressed"})
    assert answer.status_code == 503 and "try again" in text_of(answer.text)
    assert found(signed_in, text="pressed") == [1]


def test_pages_of_a_search_by_text_do_not_search_again_by_themselves(
    board: Board, signed_in
) -> None:
    board.report(("buttonState", {"pressed": True}))
    by_itself = {"X-Background": "1"}
    for query, live in (({"device": "front-door"}, True), ({"text": "pressed"}, False)):
        page = signed_in.get(PAGE, params=query).text
        assert ('id="found" data-live' in page) is live
        assert ("as of 20" in text_of(page)) is not live
        again = signed_in.get(PAGE, params=query, headers=by_itself).text
        assert ('id="event-1"' in again) is live


def test_the_journey_of_an_event_that_was_delivered(
    board: Board, store: Store, console, signed_in
) -> None:
    board.report(("light_reading", {"light": 7, "room": "<hall>"}))
    event = board.newest()
    console.call(store.settle, [Delivered(event.id, event.accepted_ms + 3_500)])
    text = text_of(signed_in.get(f"{PAGE}/{event.id}").text)
    steps = ["Captured", "Received", "2.0 s later", "Stored", "Delivered", "SecuriThings took it"]
    places = [text.index(step) for step in steps]
    assert places == sorted(places)
    assert "light 7 room <hall>" in text and f"front-door:1:{event.seq}" in text
    assert "Deliver again" not in text


def test_the_journey_of_an_event_that_waits(board: Board, store: Store, console, signed_in) -> None:
    board.report(("light_reading", {"light": 7}))
    event = board.newest()
    first = event.accepted_ms + 10
    retry = Retry(event.id, 3, first, now_ms() + 60_000, "HTTP 503: later")
    console.call(store.settle, [retry])
    text = text_of(signed_in.get(f"{PAGE}/{event.id}").text)
    assert "Tried in vain" in text and "3 times; the last time: HTTP 503: later" in text
    assert "Waits for its next try" in text


def test_a_dead_letter_is_delivered_again(board: Board, store: Store, console, signed_in) -> None:
    board.report(("light_reading", {"light": 7}))
    console.call(store.settle, [Dead(1, "HTTP 422: <why>")])
    page = signed_in.get(f"{PAGE}/1").text
    assert "Given up" in text_of(page) and "HTTP 422: <why>" in text_of(page)
    assert f'action="{PAGE}/1/retry"' in page
    answer = signed_in.submit(f"{PAGE}/1/retry")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PAGE}/1")
    assert board.newest().state == "pending"
    text = text_of(signed_in.get(f"{PAGE}/1").text)
    assert "It will be delivered again." in text and "Waits for delivery" in text


def test_what_is_no_event_cannot_be_delivered(board: Board, store: Store, signed_in) -> None:
    raw = '{"id": [1, 1], "type": 5} <script>\x07'
    board.report(BadEvent(1, 1, raw, "Expected `str`"))
    page = signed_in.get(f"{PAGE}/1").text
    assert "/retry" not in page and "<script>\x07" not in page
    assert "what the board sent is no event: Expected `str`" in text_of(page)
    assert '{"id": [1, 1], "type": 5} <script>\\x07' in text_of(page)
    signed_in.submit(f"{PAGE}/1/retry")
    assert "no dead letter that can be sent" in text_of(signed_in.get(PAGE).text)
    assert store.recent(board.name)[0].state == "dead"


def test_all_dead_letters_or_those_of_a_device(
    board: Board, store: Store, console, signed_in
) -> None:
    attic = Board(store, console.call, "attic")
    for each in (board, attic):
        each.report(("light_reading", {"light": 7}), ("light_reading", {"light": 8}))
    console.call(store.settle, [Dead(number, "HTTP 422") for number in range(1, 5)])
    answer = signed_in.submit("/console/dead-letters/retry", device="attic")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console")
    assert "2 dead letters will be delivered again." in text_of(signed_in.get("/console").text)
    assert store.stats().dead == 2
    signed_in.submit("/console/dead-letters/retry")
    assert store.stats().dead == 0
    signed_in.submit("/console/dead-letters/retry")
    text = text_of(signed_in.get("/console").text)
    assert "No dead letters will be delivered again. What a board sent that is no event" in text


def test_who_asked_for_an_event(board: Board, store: Store, console, signed_in) -> None:
    caller = Caller("10.0.0.7", "<b>agent", "ann@example.org", "session-1", "token-1", "group-1")
    event = ExternalEvent(board.name, "power", (("state", "on"),), now_ms(), caller)
    event_id = console.call(store.add_external, event)
    text = text_of(signed_in.get(f"{PAGE}/1").text)
    assert event_id in text and "Asked for" in text and "Captured" not in text
    assert "User ann@example.org Address 10.0.0.7 Program <b>agent" in text
    assert "Session session-1 API token token-1 Group group-1" in text
    assert "ann@example.org" in text_of(signed_in.get(PAGE).text)


def test_an_event_of_a_removed_device_has_a_page(board: Board, store: Store, signed_in) -> None:
    board.report(("light_reading", {"light": 7}))
    store.remove_device(board.name)
    page = signed_in.get(f"{PAGE}/1").text
    assert "front-door (removed)" in text_of(page) and "/console/devices/" not in page


@pytest.mark.usefixtures("board")
def test_an_event_that_is_not_there(signed_in) -> None:
    for number in ("0", "7", "-1", "x", "%00", "1e3", "٣", "9" * 19, "9" * 5000):
        answer = signed_in.get(f"{PAGE}/{number}")
        assert answer.status_code == 404, number[:20]
        assert "No such event" in answer.text
        assert signed_in.submit(f"{PAGE}/{number}/retry").status_code == 303
