"""Commands in the store: given under ids that never come back, sent, settled and purged."""

import asyncio
import sqlite3
import threading
from contextlib import closing

import pytest

from host_agent.clock import now_ms
from host_agent.commands import MAX_OPEN, CommandError, CommandResult
from host_agent.store import Stale, Store, UnknownDevice
from host_agent.store import commands as command_table
from tests.host_agent.store.file import in_another_process


@pytest.fixture
def report(store, board):
    """report(taken, *results, **fields): the board reports now; what the store answers."""

    def report(taken, *results, **fields):
        fields = {"received_ms": now_ms()} | fields
        frame = board.report(commanded=taken, results=results, **fields)
        return asyncio.run(store.accept(frame))

    return report


def ids(commands):
    return [command.id for command in commands]


def state(store, command):
    found = store.commands.get(command.device, command.id)
    return found.state, found.result


def test_a_command_goes_into_the_next_reply_and_its_result_settles_it(store, report):
    command = store.commands.add("door", "power", "on", ttl_s=30)
    assert store.commands.get("door", command.id) == command
    assert store.commands.open("door") == (command,)
    assert (command.args, command.expires_ms - command.created_ms) == ("on", 30_000)

    accepted = report(0)
    assert (ids(accepted.commands), accepted.settled) == ([command.id], ())
    assert store.commands.get("door", command.id).sent_ms is not None

    accepted = report(command.id, CommandResult(command.id, None))
    assert (accepted.commands, ids(accepted.settled)) == ((), [command.id])
    assert state(store, command) == ("done", "")
    assert store.commands.open("door") == ()
    assert store.device("door").commanded == command.id


def test_a_lost_reply_sends_it_again_as_the_same_command(store, report):
    command = store.commands.add("door", "power", True)
    first = report(0)
    sent_ms = store.commands.get("door", command.id).sent_ms
    second = report(0)
    assert ids(first.commands) == ids(second.commands) == [command.id]
    assert store.commands.get("door", command.id).sent_ms == sent_ms


def test_a_settled_command_never_changes_again(store, report):
    command = store.commands.add("door", "power", True)
    report(0)
    report(command.id, CommandResult(command.id, "no such command"))
    accepted = report(command.id, CommandResult(command.id, None))
    assert (accepted.commands, accepted.settled) == ((), ())
    assert state(store, command) == ("failed", "no such command")


def test_a_stale_frame_sends_and_settles_nothing(store, report):
    command = store.commands.add("door", "power", True)
    report(0)
    late = report(command.id, CommandResult(command.id, None), frame=1)
    assert isinstance(late, Stale)
    assert state(store, command) == ("open", "")


def test_a_board_that_takes_no_commands_gets_none(store, report):
    command = store.commands.add("door", "power", True, ttl_s=5)
    assert report(None).commands == ()
    assert store.device("door").commanded is None
    assert store.commands.get("door", command.id).sent_ms is None
    settled = report(None, received_ms=command.expires_ms).settled
    assert [one.state for one in settled] == ["expired"]


def test_a_report_without_the_field_changes_nothing_of_it(store, report):
    report(0)
    assert store.device("door").commanded == 0
    report(None)
    assert store.device("door").commanded == 0


def test_one_whose_time_is_over_is_never_sent(store, report):
    short = store.commands.add("door", "power", True, ttl_s=5)
    long = store.commands.add("door", "power", False, ttl_s=60)
    accepted = report(0, received_ms=short.expires_ms)
    assert (ids(accepted.commands), ids(accepted.settled)) == ([long.id], [short.id])
    assert state(store, short) == ("expired", "")


def test_at_most_eight_travel_at_a_time_in_order(store, report):
    given = [store.commands.add("door", "power", n) for n in range(20)]
    assert ids(report(0).commands) == ids(given[:8])
    done = [CommandResult(one.id, None) for one in given[:8]]
    assert ids(report(given[7].id, *done).commands) == ids(given[8:16])
    assert [store.commands.get("door", one.id).state for one in given[:9]] == ["done"] * 8 + [
        "open"
    ]


@pytest.mark.usefixtures("board")
def test_ids_ascend_however_fast_commands_come(store):
    given = [store.commands.add("door", "power", n).id for n in range(50)]
    assert given == sorted(set(given))
    assert given[0] >= now_ms() // 1000 - 60


@pytest.mark.usefixtures("board")
def test_two_processes_never_give_one_id_twice(store, path):
    for _ in range(3):
        store.commands.add("door", "power", "here")
        in_another_process("store.commands.add('door', 'power', 'there')", path)
    listed = store.commands.list("door")
    assert [one.args for one in listed] == ["there", "here"] * 3
    assert len(set(ids(listed))) == 6


def test_a_command_of_another_process_is_told_and_sent(store, path, report, eventually):
    due = []
    store.on_due.append(due.append)
    in_another_process("store.commands.add('door', 'power', 'on')", path)
    eventually(lambda: due == ["door"])
    assert [one.args for one in report(0).commands] == ["on"]
    store.commands.add("door", "power", "off")
    assert due == ["door", "door"]


def test_a_frame_sends_what_another_process_added_a_moment_before(path, report):
    """Even before the snapshot shows it: the writer looks in its transaction."""
    report(0)
    in_another_process("store.commands.add('door', 'power', 'on')", path)
    assert len(report(0).commands) == 1


def test_results_are_no_reason_to_nudge_a_board(store, report):
    command = store.commands.add("door", "power", True)
    due = []
    store.on_due.append(due.append)
    report(0)
    report(command.id, CommandResult(command.id, None))
    assert due == []


@pytest.mark.parametrize("name", ["nobody", "gone"])
def test_only_a_device_gets_commands(store, name):
    store.add_device("gone", "lock")
    store.remove_device("gone")
    with pytest.raises(UnknownDevice, match=name):
        store.commands.add(name, "power")


@pytest.mark.usefixtures("board")
def test_what_cannot_be_a_command_is_not_kept(store):
    with pytest.raises(CommandError):
        store.commands.add("door", "no spaces")
    assert store.commands.list() == []


def test_so_many_wait_and_no_more(store, report):
    first = store.commands.add("door", "power", ttl_s=1)
    for number in range(MAX_OPEN - 1):
        store.commands.add("door", "power", number)
    with pytest.raises(CommandError, match="64 commands wait for door"):
        store.commands.add("door", "power")
    assert len(store.commands.open("door")) == MAX_OPEN
    report(first.id)
    store.commands.add("door", "power")


@pytest.mark.usefixtures("board")
def test_those_whose_time_is_over_make_room_by_themselves(store, eventually):
    given = [store.commands.add("door", "power", n, ttl_s=1) for n in range(MAX_OPEN)]
    eventually(lambda: state(store, given[-1]) == ("expired", ""))
    command = store.commands.add("door", "power")
    assert store.commands.open("door") == (command,)


def test_a_removed_device_leaves_no_command_to_its_successor(store, board, report):
    sent = store.commands.add("door", "open", ttl_s=3600)
    report(0)
    waiting = store.commands.add("door", "open", ttl_s=3600)
    store.remove_device("door")
    assert state(store, sent)[0] == "unknown"
    assert state(store, waiting)[0] == "expired"

    board.device = store.add_device("door", "lock")
    board.key = board.device.key
    assert store.device("door").commanded is None
    assert report(0).commands == ()
    assert store.commands.add("door", "open").id > waiting.id


def test_an_id_is_beyond_what_the_board_has_taken(store, report):
    far = 2**40
    report(far)
    assert store.commands.add("door", "power").id == far + 1


def test_commands_survive_a_restart(path, board_of):
    with Store.open(path) as store:
        board = board_of(store.add_device("door", "lock"))
        sent = store.commands.add("door", "power", True)
        asyncio.run(store.accept(board.report(commanded=0, received_ms=now_ms())))
        waiting = store.commands.add("door", "power", 1.5)
        before = store.commands.list()
    with Store.open(path) as store:
        assert store.commands.list() == before
        assert ids(store.commands.open("door")) == [sent.id, waiting.id]


def test_old_commands_are_purged_and_those_that_can_be_sent_are_not(store, report, path):
    settled = store.commands.add("door", "power", "settled")
    report(settled.id)
    store.commands.add("door", "power", "open", ttl_s=3600)
    assert asyncio.run(store.commands.purge(now_ms() + 1)) == 1
    assert [one.args for one in store.commands.list()] == ["open"]
    assert asyncio.run(store.commands.purge(now_ms() + 3_700_000)) == 1
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT count(*) FROM commands").fetchone() == (0,)


def test_a_device_keeps_its_newest_commands_only(store, report, monkeypatch):
    monkeypatch.setattr(command_table, "MAX_ROWS", 3)
    given = []
    for number in range(6):
        given.append(store.commands.add("door", "power", number))
        report(given[-1].id)
    waiting = [store.commands.add("door", "power", number) for number in range(5)]
    assert ids(reversed(store.commands.list())) == ids(waiting), "no open one goes"


@pytest.mark.usefixtures("board")
def test_commands_come_from_many_threads(store):
    def give():
        for _ in range(5):
            store.commands.add("door", "power")

    threads = [threading.Thread(target=give) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.commands.open("door")) == 40
