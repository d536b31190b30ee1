"""Text in the file that got damaged without SQLite noticing costs only itself."""

import asyncio
import logging

import pytest

from host_agent.store import Store, StoreDamaged, file_check
from tests.host_agent.store.file import alter

HEALTHS = ["{x", "[1]", "", b'{"a":"\xff', "[" * 5000]


@pytest.mark.parametrize("health", HEALTHS)
def test_a_device_whose_health_cannot_be_read_goes_on_without_it(path, board_of, caplog, health):
    with Store.open(path) as store:
        board = board_of(store.add_device("door", "lock"))
    alter(path, "UPDATE devices SET health = CAST(? AS TEXT)", health)

    with caplog.at_level(logging.WARNING), Store.open(path) as store:
        assert store.device("door").health == {}
        asyncio.run(store.accept(board.report(1, health={"heap": 1})))
        assert store.device("door").health == {"heap": 1}

    assert "the health of door in the store cannot be read" in caplog.text


def test_the_running_store_survives_it_too(path, store, board, eventually):
    asyncio.run(store.accept(board.report(1, health={"heap": 1})))
    alter(path, "UPDATE devices SET health = '{x'")

    eventually(lambda: store.device("door").health == {})
    assert asyncio.run(store.accept(board.report(2))).ack == (1, 2)


@pytest.mark.parametrize("params", ["{x", "[1]", '{"a":[1]}', b'{"a":"\xff'])
def test_params_that_cannot_be_read_are_shown_as_they_are(path, store, board, params):
    asyncio.run(store.accept(board.report(1, 2)))
    alter(path, "UPDATE events SET params = CAST(? AS TEXT) WHERE seq = 1", params)

    spoilt, sound = store.pending("door", 0, 10)
    assert (spoilt.params, sound.params) == (None, {"pressed": True})
    shown = {event.seq: event for event in store.events()}
    assert (shown[2].params, shown[2].raw) == ({"pressed": True}, "")
    expected = params if isinstance(params, str) else params.decode("utf-8", "replace")
    assert (shown[1].params, shown[1].raw) == ({}, expected)


@pytest.mark.parametrize(
    "note",
    ["NULL", "CAST(x'ff' AS TEXT)", "'x'"],
    ids=["nothing", "bytes", "text"],
)
def test_ids_go_on_when_the_note_of_the_last_one_got_damaged(path, board_of, monkeypatch, note):
    monkeypatch.setattr(file_check, "_READ_BACK_EVERY_S", 0.0)
    with Store.open(path) as store:
        board = board_of(store.add_device("door", "lock"))
        asyncio.run(store.accept(board.report(1)))
        alter(path, f"UPDATE sqlite_sequence SET seq = {note}")
        assert asyncio.run(store.accept(board.report(2))).ack == (1, 2)

    with Store.open(path) as store:
        alter(path, f"UPDATE sqlite_sequence SET seq = {note}")
        assert asyncio.run(store.accept(board.report(3))).ack == (1, 3)
        assert [(event.id, event.seq) for event in store.events()] == [(3, 3), (2, 2), (1, 1)]
        assert store.damage is None


def test_the_writer_survives_a_failure_that_nobody_foresaw(path, store, board, eventually, caplog):
    called = []

    def fail_once():
        called.append(True)
        if len(called) == 1:
            raise RuntimeError("unforeseen")

    store.on_retried.append(fail_once)
    alter(path, "UPDATE devices SET type = 'gate'")

    eventually(lambda: len(called) == 2)
    assert store.damage is None
    assert asyncio.run(store.accept(board.report(1))).ack == (1, 1)
    assert "the store's writer failed" in caplog.text


def test_a_failure_that_repeats_ends_all_writing(path, store, board, eventually):
    def fail():
        raise RuntimeError("unforeseen")

    store.on_retried.append(fail)
    alter(path, "UPDATE devices SET type = 'gate'")

    eventually(lambda: store.damage)
    with pytest.raises(StoreDamaged, match="RuntimeError"):
        asyncio.run(store.accept(board.report(1)))
