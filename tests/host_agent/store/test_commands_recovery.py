"""Commands after a crash, a lost store, and damage: nothing is done twice."""

import asyncio
import subprocess
import sys
from dataclasses import replace

from host_agent.clock import now_ms
from host_agent.commands import CommandResult
from host_agent.store import Accepted, Store
from tests.host_agent.store.file import alter


def ids(commands):
    return [command.id for command in commands]


def test_a_lost_store_gives_no_id_twice(path, board_of):
    with Store.open(path) as store:
        board = board_of(store.add_device("door", "lock"))
        burst = [store.commands.add("door", "power", n) for n in range(40)]
        asyncio.run(store.accept(board.report(commanded=burst[-1].id)))
    path.unlink()
    with Store.open(path) as store:
        assert store.commands.list() == []
        assert store.commands.add("door", "power").id == burst[-1].id + 1


def test_a_restored_store_whose_board_is_ahead_sends_nothing_under_a_used_id(path, board_of):
    copy = path.with_name("agent.db.devices.json")
    with Store.open(path) as store:
        board = board_of(store.add_device("door", "lock"))
        behind = copy.read_bytes()
        taken = [store.commands.add("door", "power", n) for n in range(30)][-1].id
        asyncio.run(store.accept(board.report(commanded=taken)))
    path.unlink()
    copy.write_bytes(behind)

    with Store.open(path) as store:
        board.boot += 1
        given = store.commands.add("door", "power", "anew")
        assert given.id <= taken
        old = CommandResult(given.id, None)
        accepted = asyncio.run(store.accept(board.report(commanded=taken, results=(old,))))
        assert isinstance(accepted, Accepted)
        assert accepted.commands == ()
        found = store.commands.get("door", given.id)
        assert (found.state, found.sent_ms) == ("unknown", None)
        assert "ahead" in found.result
        again = store.commands.add("door", "power", "again")
        assert again.id == taken + 1
        accepted = asyncio.run(store.accept(board.report(commanded=taken)))
        assert ids(accepted.commands) == [again.id]


def test_a_command_that_got_damaged_is_never_sent(path, board_of, caplog):
    with Store.open(path) as store:
        board = board_of(store.add_device("door", "lock"))
        spoilt, sound = (store.commands.add("door", "power", n) for n in (1, 2))
    alter(path, "UPDATE commands SET args = '{x' WHERE id = ?", spoilt.id)
    with Store.open(path) as store:
        assert f"command {spoilt.id} of door in the store cannot be read" in caplog.text
        frame = board.report(commanded=0, received_ms=now_ms())
        assert ids(asyncio.run(store.accept(frame)).commands) == [sound.id]
        assert store.commands.get("door", spoilt.id) == replace(spoilt, args="{x")


KILLED = """
import asyncio, os, sys
from pathlib import Path
from host_agent.store import Report, Store

store = Store.open(Path(sys.argv[1]))
device = store.device("door")
command = store.commands.add("door", "power", True)
report = Report("door", device.key, 1, 1, command.created_ms, commanded=0)
accepted = asyncio.run(store.accept(report))
print(accepted.commands[0].id, flush=True)
os.kill(os.getpid(), 9)
"""


def test_a_kill_after_sending_leaves_it_sent(path, board_of):
    """The board may have got it: its result must count, and without one nobody knows."""
    with Store.open(path) as store:
        board = board_of(store.add_device("door", "lock"))
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    with Store.open(path) as store:
        (command,) = store.commands.open("door")
        assert (command.id, command.sent_ms) == (int(done.stdout), command.created_ms)
        result = CommandResult(command.id, None)
        frame = board.report(frame=2, commanded=command.id, results=(result,))
        asyncio.run(store.accept(frame))
        assert store.commands.get("door", command.id).state == "done"
