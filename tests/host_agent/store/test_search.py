"""Looking for events: what is found, and at what cost."""

import asyncio
import sqlite3
import threading
from contextlib import closing

import pytest

from host_agent.store import (
    BadEvent,
    Caller,
    CapturedEvent,
    Dead,
    Delivered,
    EventSearch,
    ExternalEvent,
    Report,
    SearchTooSlow,
    StoreError,
)
from host_agent.store import events as event_table
from host_agent.store import search as searching
from host_agent.store.names import split_event_id
from host_agent.store.search import Searcher

HUGE = 10**30


@pytest.fixture
def capture(store, board):
    """capture(params, type="reading", time_ms=...): an event of the door; its row id."""

    def capture(params, kind="reading", time_ms=1_700_000_000_000):
        seq = store.device("door").acked[1] + 1
        event = CapturedEvent(1, seq, kind, params, time_ms, "board")
        asyncio.run(store.accept(board.report(events=(event,))))
        return store.events(limit=1)[0].id

    return capture


@pytest.fixture
def ask(store):
    """ask(device="door", user_id="ann"): an external event as it was stored."""

    def ask(device="door", user_id="ann", params=(("state", "on"),)):
        event = ExternalEvent(device, "power", params, 1_700_000_000_000, Caller(user_id=user_id))
        asyncio.run(store.add_external(event))
        return store.events(limit=1)[0]

    return ask


@pytest.fixture
def found(store):
    """found(**fields of an EventSearch): row ids."""

    def found(**wanted):
        return [event.id for event in store.search(EventSearch(**wanted))]

    return found


def test_everything_is_found_newest_first_and_page_by_page(capture, found):
    ids = [capture({"n": n}) for n in range(5)]
    assert found() == ids[::-1]
    assert found(limit=2) == [ids[4], ids[3]]
    assert found(limit=2, before_id=ids[3]) == [ids[2], ids[1]]
    assert found(before_id=ids[0]) == []


def test_all_conditions_hold(store, board_of, capture, found):
    gate = board_of(store.add_device("gate", "lock"))
    asyncio.run(store.accept(gate.report(1)))
    cold = capture({"celsius": 4}, time_ms=1000)
    warm = capture({"celsius": 25}, time_ms=2000)
    press = capture({"pressed": True}, "buttonState", time_ms=3000)
    asyncio.run(store.settle([Dead(cold, "HTTP 400"), Delivered(warm, 5)]))

    assert found(device="gate", type="reading") == []
    assert found(device="door", type="reading") == [warm, cold]
    assert found(type="buttonState", device="door", state="pending") == [press]
    assert found(state="dead") == [cold]
    assert found(state="dead", device="gate") == []
    assert found(state="delivered", text="celsius") == [warm]
    assert found(device="door", since_ms=2000) == [press, warm]
    assert found(device="door", until_ms=2000) == [cold]
    assert found(since_ms=1000, until_ms=3000, type="reading") == [warm, cold]


def test_a_text_is_looked_for_in_all_that_a_person_sees(store, board, capture, ask, found):
    named = capture({"name": "Kitchen", "value": 21.5})
    dead = capture({})
    asyncio.run(store.settle([Dead(dead, "HTTP 422: no such tenant")]))
    asked = ask(user_id="ann@example.org", params=(("room", "attic"),)).id
    asyncio.run(store.accept(board.report(bad=(BadEvent(1, 9, '{"garbled', "no JSON"),))))
    garbled = store.events(limit=1)[0].id

    assert found(text="kitchen") == found(text="21.5") == [named]
    assert found(text="tenant") == [dead]
    assert found(text="ANN@example") == found(text="attic") == [asked]
    assert found(text="garbled") == found(text="no json") == [garbled]
    assert found(text="doo") == [garbled, asked, dead, named], "of door"
    assert found(text="nowhere") == []
    assert found(text="") == [garbled, asked, dead, named]


@pytest.mark.parametrize(
    "text",
    ["100%", "a_b", "x!y", 'say "hi"', "back\\slash", "tab\there", "é"],
    ids=["percent", "underscore", "escape", "quotes", "backslash", "tab", "accent"],
)
def test_every_character_of_a_text_is_meant(capture, found, text):
    other = capture({"note": "100 a-b xy say hi backslash tab here e"})
    wanted = capture({"note": text})
    assert found(text=text) == [wanted]
    assert found() == [wanted, other]


def test_an_event_is_found_by_its_id_and_by_part_of_it(capture, ask, found):
    ids = [capture({}) for _ in range(12)]
    asked = ask()
    assert found(text="door:1:1") == [ids[0]], "no other begins like it"
    assert found(text="door:1:1", type="power") == []
    assert found(text=asked.event_id) == [asked.id]
    assert found(text=":x:") == found(text=asked.event_id[:-3]) == [asked.id]
    assert found(text="door:1:") == ids[::-1]
    assert found(text="door:1:13") == []


def test_what_looks_like_an_id_and_is_none_is_a_text_like_any(capture, found):
    wanted = capture({"mac": "00:11:22"})
    assert found(text="00:11:22") == [wanted]


def test_an_event_by_its_row_tells_all_times(store, board):
    asyncio.run(store.accept(board.report(1, received_ms=1_700_000_000_500)))
    (waiting,) = store.pending("door", 0, 1)
    asyncio.run(store.settle([event_table.Retry(waiting.id, 2, 111, 222, "HTTP 503")]))

    event = store.event(waiting.id)
    assert event == store.events()[0]
    assert (event.time_ms, event.accepted_ms) == (1_700_000_000_001, 1_700_000_000_500)
    assert event.stored_ms is not None and event.stored_ms > event.accepted_ms
    assert (event.attempts, event.first_attempt_ms, event.next_ms) == (2, 111, 222)
    assert store.event(waiting.id + 1) is None


@pytest.mark.usefixtures("board")
def test_an_external_event_was_stored_when_it_came(ask):
    event = ask()
    assert event.accepted_ms == event.stored_ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "door",
        "door:1",
        "door:1:1:1",
        "door:-1:5",
        "door:x:0",
        "door:x:ffffffffffffffff",
        "door:1:" + "9" * 30,
        "door:1:\u0661",
        "door\n:1:1",
    ],
    ids=[
        "empty",
        "device",
        "no seq",
        "more",
        "negative",
        "short",
        "beyond 63 bits",
        "huge",
        "digit",
        "line",
    ],
)
def test_no_event_has_such_an_id(text):
    assert split_event_id(text) is None


@pytest.mark.usefixtures("capture")
def test_numbers_beyond_all_bounds_find_nothing_or_all(store, capture, found):
    only = capture({})
    assert store.event(HUGE) is None and store.event(-HUGE) is None
    assert store.commands.get("door", HUGE) is None
    assert found(since_ms=-HUGE, until_ms=HUGE, before_id=HUGE, limit=HUGE) == [only]
    assert found(since_ms=HUGE) == found(before_id=-HUGE) == []


def test_recent_ones_are_those_of_the_device(store, board, board_of):
    gate = board_of(store.add_device("gate", "lock"))
    asyncio.run(store.accept(board.report(1, 2, 3)))
    asyncio.run(store.accept(gate.report(1)))
    assert [event.seq for event in store.recent("door", limit=2)] == [3, 2]
    assert [event.device for event in store.recent("gate")] == ["gate"]
    assert store.recent("nobody") == []


@pytest.mark.usefixtures("board")
def test_a_long_text_is_refused(store):
    assert store.search(EventSearch(text="x" * 200)) == []
    with pytest.raises(StoreError, match="at most 200 characters"):
        store.search(EventSearch(text="x" * 201))


@pytest.fixture
def many(store, board_of):
    """5000 delivered events, and one dead and one pending from before them, of another device."""
    door, gate = (store.add_device(name, "lock") for name in ("many", "few"))
    events = tuple(CapturedEvent(1, seq, "reading", {}, seq, "board") for seq in range(1, 5001))
    asyncio.run(store.accept(board_of(gate).report(1, 2)))
    asyncio.run(store.accept(Report("many", door.key, 1, 1, 0, events)))
    rows = store.events(limit=6000)
    settled = [Delivered(event.id, 5) for event in rows if event.device == "many"]
    asyncio.run(store.settle([*settled, Dead(rows[-1].id, "no")]))


@pytest.mark.usefixtures("many")
def test_a_search_ends_in_time_and_harms_no_other(store, path):
    with closing(Searcher(path, within_s=0)) as impatient:
        with pytest.raises(SearchTooSlow, match="took longer than 0 s; narrow it"):
            impatient.find(EventSearch(text="nowhere"))
        assert len(impatient.find(EventSearch(device="few"))) == 2
        with pytest.raises(SearchTooSlow):
            impatient.find(EventSearch(text="nowhere"))
    assert store.search(EventSearch(text="nowhere")) == []


@pytest.mark.usefixtures("many")
def test_searches_of_many_threads_are_all_answered(store):
    answers = []

    def work():
        answers.append(len(store.search(EventSearch(text="few"))))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == [2] * 8


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    "query",
    [
        event_table.stats,
        event_table.devices_with_pending,
        lambda reader: event_table.pending(reader, "few", 0, 100),
        lambda reader: searching.found(reader, EventSearch(state="dead")),
        lambda reader: searching.found(reader, EventSearch(device="few")),
        lambda reader: searching.found(reader, EventSearch(limit=10)),
        lambda reader: searching.found(reader, EventSearch(text="few:1:1")),
    ],
    ids=["stats", "devices", "pending", "dead", "device", "newest", "id"],
)
def test_what_is_asked_often_costs_the_same_with_any_history(path, query):
    """Counted in steps of SQLite's machine; a look at every event would take 20,000 or more."""
    steps = 0

    def count():
        nonlocal steps
        steps += 10
        return 0

    with closing(sqlite3.connect(path)) as reader:
        reader.set_progress_handler(count, 10)
        query(reader)
    assert steps < 2000
