"""`thingwarden command`, with a board that answers from a thread of its own."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from host_agent.clock import now_ms
from host_agent.commands import CommandResult
from host_agent.store import Report, Store


@pytest.fixture
def store(ready, tmp_path: Path) -> Iterator[Store]:
    assert ready
    with Store.open(tmp_path / "thingwarden.db") as store:
        yield store


@pytest.fixture
def board(store: Store) -> Callable[..., None]:
    """board(taken, *results) is one report of the door; the commands in its reply."""
    frame = 0

    def board(taken: int | None, *results: CommandResult):
        nonlocal frame
        frame += 1
        key = store.device("door").key
        report = Report("door", key, 1, frame, now_ms(), commanded=taken, results=results)
        return asyncio.run(store.accept(report)).commands

    return board


@contextmanager
def answering(store: Store, board, eventually, error: str | None):
    """The board takes the next command and tells this of it."""

    def take() -> None:
        eventually(lambda: store.commands.open("door"))
        (command,) = board(0)
        board(command.id, CommandResult(command.id, error))

    thread = threading.Thread(target=take)
    thread.start()
    yield
    thread.join()


def test_a_command_is_sent_and_its_result_told(ready, store, board, eventually) -> None:
    board(0)
    with answering(store, board, eventually, None):
        outcome = ready("command", "send", "door", "power", "on")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("door: power done in ")
    assert outcome.out.endswith(" ms\n")
    assert "never said" not in outcome.out


def test_a_command_that_fails_is_exit_code_1(ready, store, board, eventually) -> None:
    with answering(store, board, eventually, "no such command\x1b[2J"):
        outcome = ready("command", "send", "door", "fly", "--json")
    assert outcome.code == 1
    assert outcome.err.startswith("thingwarden: door: fly failed in ")
    assert r"no such command\x1b[2J" in outcome.err
    row = json.loads(outcome.out)
    assert (row["state"], row["name"], row["args"]) == ("failed", "fly", None)
    assert row["took_ms"] == row["settled_ms"] - row["created_ms"]


def test_one_that_nobody_knows_of_is_exit_code_1(ready, store, board, eventually) -> None:
    with answering(store, board, eventually, "unknown"):
        outcome = ready("command", "send", "door", "power", "on")
    assert outcome.code == 1
    assert "power unknown in" in outcome.err and "interrupted" in outcome.err


@pytest.mark.usefixtures("store")
def test_a_board_that_is_not_there_in_time(ready) -> None:
    outcome = ready("command", "send", "door", "power", "on", "--ttl", "1", "--wait", "10")
    assert outcome.code == 1
    assert "power expired: its board did not take it in time" in outcome.err
    assert "door has not said yet that it takes commands" in outcome.out


def test_one_that_is_not_answered_yet_stays_open(ready, store, board) -> None:
    outcome = ready("command", "send", "door", "power", "on", "--wait", "0.1")
    assert outcome.code == 1
    assert "power waits for the board's next report, until 2" in outcome.err
    board(0)
    (row,) = json.loads(ready("command", "list", "--json").out)
    assert (row["state"], row["sent_ms"] is not None) == ("open", True)
    assert store.commands.open("door")


def test_without_waiting_it_is_on_its_way(ready, store) -> None:
    outcome = ready("command", "send", "door", "power", "on", "--wait", "0")
    assert (outcome.code, outcome.err) == (0, "")
    assert [command.state for command in store.commands.list()] == ["open"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("on", "on"), ("true", True), ("3", 3), ("-1.5", -1.5), ('"3"', "3"), ("null", "null")],
)
def test_a_value_is_read_as_send_reads_it(ready, store, text, value) -> None:
    assert ready("command", "send", "door", "power", "--wait", "0", "--", text).code == 0
    assert store.commands.list()[0].args == value


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nobody", "power"], 1),
        (["door", "no spaces"], 1),
        (["door", "power", "x" * 129], 1),
        (["door", "power", "--ttl", "0"], 1),
        (["door", "power", "--wait", "-1"], 2),
        (["door", "power", "--wait", "nan"], 2),
        (["door", "power", "--ttl", "soon"], 2),
        (["door"], 2),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_cannot_be_sent_is_one_clear_line(ready, store, arguments, code) -> None:
    outcome = ready("command", "send", *arguments)
    assert outcome.code == code
    assert "Traceback" not in outcome.err + outcome.out
    assert store.commands.list() == []


def test_commands_are_listed_newest_first(ready, store, board) -> None:
    assert ready("command", "list", "--json").out == "[]\n"
    ready("device", "add", "gate", "--type", "Lock")
    done = store.commands.add("door", "power", "an")
    board(0)
    board(done.id, CommandResult(done.id, "broken\nwire"))
    store.commands.add("gate", "open")
    shown = ready("command", "list").out.splitlines()
    assert [line.split()[1] for line in shown[1:]] == ["gate", "door"]
    assert '"an"' in shown[2] and "failed" in shown[2] and r"broken\nwire" in shown[2]
    assert [
        row["device"] for row in json.loads(ready("command", "list", "door", "--json").out)
    ] == ["door"]
    assert ready("command", "list", "nobody").code == 1


@pytest.mark.parametrize("limit", ["0", "-1", "x", "99999999999999999999"])
def test_a_wrong_limit_is_refused(ready, limit: str) -> None:
    assert ready("command", "list", "--limit", limit).code == 2
