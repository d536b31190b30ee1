"""Events that somebody caused from outside: kept, ordered and limited as those of boards."""

import asyncio

import pytest

from host_agent.metrics import Metrics
from host_agent.store import (
    Caller,
    Dead,
    ExternalEvent,
    Limits,
    Store,
    StoreFull,
    UnknownDevice,
)

ANN = Caller("192.0.2.7", "curl/8", "ann", "s-1", "key-1", "roof")


def external(device="door", caller=ANN, params=(("state", "on"), ("state", "off"))):
    return ExternalEvent(device, "power", params, 1_700_000_000_500, caller)


@pytest.mark.usefixtures("board")
def test_it_waits_for_delivery_with_all_that_is_known(store):
    added = asyncio.run(store.add_external(external()))

    (event,) = store.pending("door", 0, 10)
    assert (event.device_type, event.group, event.type) == ("lock", "hq", "power")
    assert (event.params, event.caller) == ((("state", "on"), ("state", "off")), ANN)
    assert event.time_ms == 1_700_000_000_500
    assert event.event_id == added


def test_it_is_counted(path):
    metrics = Metrics()
    with Store.open(path, metrics=metrics) as store:
        store.add_device("door", "lock")
        for _ in range(3):
            asyncio.run(store.add_external(external()))
        with pytest.raises(UnknownDevice):
            asyncio.run(store.add_external(external("gate")))
    counted = metrics.registry.get_sample_value
    assert counted("thingwarden_events_total", {"outcome": "external"}) == 3


def test_its_id_is_random_and_stays(path):
    with Store.open(path) as store:
        store.add_device("door", "lock")
        ids = [asyncio.run(store.add_external(external())) for _ in range(50)]
    with Store.open(path) as store:
        assert [event.event_id for event in store.pending("door", 0, 100)] == ids
    assert len(set(ids)) == 50
    assert {len(found) for found in ids} == {len("door:x:") + 16}


def test_it_keeps_its_place_among_the_events_of_the_board(store, board):
    asyncio.run(store.accept(board.report(1)))
    added = asyncio.run(store.add_external(external()))
    asyncio.run(store.accept(board.report(2)))

    found = [event.event_id for event in store.pending("door", 0, 10)]
    assert found == ["door:1:1", added, "door:1:2"]


def test_it_is_announced_with_the_board_s_when_they_share_a_commit(store, board):
    announced = []
    store.on_accepted.append(announced.extend)

    async def together():
        await asyncio.gather(
            store.accept(board.report(1)),
            store.add_external(external()),
            store.accept(board.report(2)),
            store.add_external(external(caller=Caller())),
        )

    asyncio.run(together())
    assert announced == store.pending("door", 0, 10)
    assert [event.caller for event in announced] == [None, ANN, None, Caller()]


def test_a_person_sees_who_it_was(store, board):
    asyncio.run(store.accept(board.report(1)))
    added = asyncio.run(store.add_external(external()))

    mine, pressed = store.events()
    assert (mine.event_id, mine.caller, mine.time_source) == (added, ANN, "agent")
    assert (mine.boot, mine.seq, mine.raw) == (None, None, "")
    assert mine.params == {"state": "off"}
    assert (pressed.event_id, pressed.caller, pressed.seq) == ("door:1:1", None, 1)


@pytest.mark.usefixtures("board")
def test_it_may_die_and_be_tried_again(store):
    asyncio.run(store.add_external(external()))
    before = store.pending("door", 0, 10)

    asyncio.run(store.settle([Dead(before[0].id, "HTTP 400")]))
    assert store.events()[0].state == "dead"
    assert store.retry_dead() == 1
    assert store.pending("door", 0, 10) == before


def test_a_device_that_is_not_there_has_none(store):
    with pytest.raises(UnknownDevice):
        asyncio.run(store.add_external(external("nobody")))


def test_text_that_cannot_be_stored_harms_no_other(store, board):
    async def together():
        return await asyncio.gather(
            store.add_external(external(caller=Caller(user_id="\ud800"))),
            store.accept(board.report(1)),
            return_exceptions=True,
        )

    failed, accepted = asyncio.run(together())
    assert isinstance(failed, UnicodeError)
    assert accepted.stored == 1
    assert [event.event_id for event in store.pending("door", 0, 10)] == ["door:1:1"]


def test_a_full_store_refuses_it(path):
    with Store.open(path, Limits(max_events=1)) as store:
        store.add_device("door", "lock")
        asyncio.run(store.add_external(external()))
        with pytest.raises(StoreFull):
            asyncio.run(store.add_external(external()))
        assert store.stats().pending == 1


@pytest.mark.usefixtures("board")
def test_its_bytes_count(store):
    asyncio.run(store.add_external(external()))
    small = store.stats().bytes
    asyncio.run(store.add_external(external(caller=Caller(user_agent="x" * 1000))))
    assert store.stats().bytes > small + 1000
