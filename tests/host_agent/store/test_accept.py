"""What the store does with a report."""

import asyncio
import sqlite3
from dataclasses import replace

from host_agent.metrics import Metrics
from host_agent.store import Accepted, BadEvent, Forgotten, Stale, Store


def test_an_accepted_report_is_on_disk_for_everyone(store, path, board):
    async def accept():
        await store.accept(board.report(1, 2))
        with sqlite3.connect(path) as other:
            return other.execute("SELECT count(*) FROM events").fetchone()[0]

    assert asyncio.run(accept()) == 2


def test_the_answer_says_what_the_board_may_forget(store, board):
    assert asyncio.run(store.accept(board.report(4, 7))) == Accepted(
        ack=(1, 7), stored=2, duplicates=0, dead=0
    )


def test_events_sent_again_in_a_new_frame_are_duplicates(store, board):
    asyncio.run(store.accept(board.report(1, 2)))

    assert asyncio.run(store.accept(board.report(1, 2, 3))) == Accepted(
        ack=(1, 3), stored=1, duplicates=2, dead=0
    )
    assert [event.seq for event in store.pending("door", 0, 10)] == [1, 2, 3]


def test_events_of_an_earlier_boot_keep_their_ids(store, board):
    kept = replace(board.press(5), boot=1)
    board.boot = 3
    report = replace(board.report(1), events=(kept, board.press(1)))

    assert asyncio.run(store.accept(report)).ack == (3, 1)
    assert [(e.boot, e.seq) for e in store.pending("door", 0, 10)] == [(1, 5), (3, 1)]


def test_a_replayed_frame_is_stale_and_counted(store, board):
    report = board.report(1)
    asyncio.run(store.accept(report))

    assert asyncio.run(store.accept(report)) == Stale(boot=1)
    assert store.device("door").stale_frames == 1
    assert store.stats().pending == 1


def test_a_frame_of_an_earlier_boot_is_stale_however_high_its_number(store, board):
    board.boot = 2
    asyncio.run(store.accept(board.report(1)))
    board.boot = 1

    assert asyncio.run(store.accept(board.report(9, frame=1000))) == Stale(boot=2)


def test_a_replay_in_the_same_commit_is_stale_too(store, board):
    report = board.report(1)

    async def twice():
        return await asyncio.gather(store.accept(report), store.accept(report))

    first, second = asyncio.run(twice())
    assert isinstance(first, Accepted)
    assert second == Stale(boot=1)


def test_a_frame_opened_before_its_device_was_removed_is_forgotten(store, board):
    report = board.report(1)
    store.remove_device("door")
    assert asyncio.run(store.accept(report)) == Forgotten()

    store.add_device("door", "lock")
    assert asyncio.run(store.accept(report)) == Forgotten(), "the key is another one"
    assert store.stats().pending == 0


def test_a_poll_records_counters_and_health(store, board):
    asyncio.run(store.accept(board.report(health={"rssi": -61})))
    asyncio.run(store.accept(board.report()))

    device = store.device("door")
    assert (device.boot, device.frame) == (1, 2)
    assert device.health == {"rssi": -61}, "kept until the board says something new"
    assert device.last_seen_ms == 1_700_000_100_002


def test_a_bad_event_becomes_a_dead_letter_and_is_acked(store, board):
    bad = BadEvent(1, 3, '{"id":[1,3]}', "type is missing")

    answer = asyncio.run(store.accept(board.report(1, 2, bad=(bad,))))

    assert answer == Accepted(ack=(1, 3), stored=2, duplicates=0, dead=1)
    (letter,) = store.events(state="dead")
    assert (letter.boot, letter.seq, letter.raw) == (1, 3, '{"id":[1,3]}')
    assert letter.reason == "type is missing"


def test_a_bad_event_without_a_usable_id_moves_no_ack_and_is_kept_once(store, board):
    nameless = BadEvent(None, None, "17", "not an object")
    from_the_future = BadEvent(9, 1, '{"id":[9,1]}', "boot is after the report's boot")

    for _ in range(3):
        answer = asyncio.run(store.accept(board.report(bad=(nameless, from_the_future))))

    assert answer.ack == (0, 0)
    assert sorted(letter.raw for letter in store.events(state="dead")) == ["17", '{"id":[9,1]}']
    assert {letter.boot for letter in store.events(state="dead")} == {None}


def test_a_bad_event_without_a_usable_id_is_kept_once_however_old_it_is(store, board):
    first = BadEvent(None, None, '{"type":5,"age":100,"params":{"a":1}}', "id is missing")
    again = BadEvent(None, None, '{"params":{"a":1},"type":5,"age":2100,"t":7}', "id is missing")
    other = BadEvent(None, None, '{"type":6,"age":100,"params":{"a":1}}', "id is missing")

    for event in (first, again, other):
        asyncio.run(store.accept(board.report(bad=(event,))))

    assert [letter.raw for letter in store.events(state="dead")] == [other.raw, first.raw]


def test_reports_of_one_moment_share_a_commit(path, board_of):
    metrics = Metrics()

    async def burst(store, boards):
        await asyncio.gather(*(store.accept(board.report(1)) for board in boards))

    with Store.open(path, metrics=metrics) as store:
        boards = [board_of(store.add_device(f"board-{n}", "lock")) for n in range(200)]
        before = metrics.registry.get_sample_value("thingwarden_commit_operations_count")
        asyncio.run(burst(store, boards))
        assert store.stats().pending == 200

    commits = metrics.registry.get_sample_value("thingwarden_commit_operations_count") - before
    assert commits < 200


def test_a_report_that_cannot_be_written_leaves_the_others_of_its_commit_alone(store, board_of):
    good, broken = (board_of(store.add_device(name, "lock")) for name in ("good", "broken"))
    unencodable = replace(broken.press(1), type="lone surrogate \ud800")

    async def both():
        return await asyncio.gather(
            store.accept(replace(broken.report(), events=(unencodable,))),
            store.accept(good.report(1)),
            return_exceptions=True,
        )

    failure, answer = asyncio.run(both())
    assert isinstance(failure, UnicodeError)
    assert answer.stored == 1
    assert store.device("broken").frame == 0


def test_delivery_hears_of_new_events_as_the_store_would_give_them(store, board):
    heard = []
    store.on_accepted.append(heard.extend)

    asyncio.run(store.accept(board.report(1, 2, bad=(BadEvent(1, 3, "", "empty"),))))
    asyncio.run(store.accept(board.report(2, 4)))

    assert heard == store.pending("door", 0, 10)
    assert [event.seq for event in heard] == [1, 2, 4]
    assert {(event.device_type, event.group) for event in heard} == {("lock", "hq")}


def test_text_survives_as_it_was_sent(store, board):
    params = {"text": 'a\x00b "é" 🚪', "int": 2**53 + 1, "float": 0.1, "flag": False}
    odd = replace(board.press(1), type="t\x00é", params=params)
    asyncio.run(store.accept(replace(board.report(), events=(odd,))))

    (event,) = store.pending("door", 0, 10)
    assert (event.type, event.params) == ("t\x00é", params)
    assert list(event.params) == ["text", "int", "float", "flag"], "in the order given"
