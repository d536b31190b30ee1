"""Whoever shows the store hears when something in it changed."""

import asyncio
import threading

import pytest

from host_agent.store import Delivered
from tests.host_agent.store.file import in_another_process


@pytest.fixture
def changes(store):
    """One entry for every time that a change was told: the thread that told it."""
    told = []
    store.add_device("door", "lock")
    store.on_changed.append(lambda: told.append(threading.current_thread().name))
    return told


def test_every_commit_is_told_by_the_writer_s_thread(store, changes):
    store.add_device("gate", "lock")
    store.commands.add("gate", "power")
    assert changes == ["store writer"] * 2


def test_what_is_told_can_be_seen_already(store, board):
    seen = []
    store.on_changed.append(lambda: seen.append(store.stats()))
    asyncio.run(store.accept(board.report(1)))
    asyncio.run(store.settle([Delivered(store.pending("door", 0, 1)[0].id, 5)]))
    assert [(stats.pending, stats.delivered) for stats in seen] == [(1, 0), (0, 1)]


def test_many_at_once_are_told_once(store, changes, board_of):
    devices = [board_of(store.add_device(f"board-{n}", "lock")) for n in range(100)]
    changes.clear()

    async def together():
        await asyncio.gather(*(store.accept(board.report(1)) for board in devices))

    asyncio.run(together())
    assert 1 <= len(changes) <= 10


def test_reading_is_no_change(store, changes):
    store.events()
    store.stats()
    store.commands.list()
    assert changes == []


def test_what_another_process_changed_is_told_too(path, changes, eventually):
    in_another_process("store.add_device('gate', 'lock')", path)
    eventually(lambda: changes)
    assert set(changes) == {"store writer"}


@pytest.mark.usefixtures("store")
def test_it_is_told_of_commands_and_people_of_another_process(path, changes, eventually):
    for number, code in enumerate(
        ["store.commands.add('door', 'power')", "store.people.add_user('ann', '', 'hash')"], 1
    ):
        in_another_process(code, path)
        eventually(lambda number=number: len(changes) >= number)
