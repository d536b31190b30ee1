"""Commands on their way to boards, and their results back, in sealed frames."""

import asyncio
import json
import logging
from typing import Any

import pytest

from host_agent.access import Held
from host_agent.clock import now_ms
from host_agent.commands import CommandResult
from host_agent.link.frames import OpenedReport
from host_agent.link.report import parse_report
from host_agent.link.sessions import Sessions
from host_agent.store import BadEvent, CapturedEvent, Store
from host_agent.throttle import Throttle
from tests.host_agent.link.guarded import attempt

LONGEST_NAME = "d" * 64


@pytest.fixture
def answer(sessions: Sessions, board):
    """Sends the board's next report; what the reply says."""

    def answer(*events: object, **fields: object) -> dict[str, Any]:
        frame = asyncio.run(sessions.exchange(board.seal(*events, **fields))).frame
        assert len(frame) <= 2048
        return board.open(frame)

    return answer


def counted(metrics) -> dict[str, float]:
    outcomes = ("sent", "done", "failed", "unknown", "expired")
    value = metrics.registry.get_sample_value
    counts = {name: value("thingwarden_commands_total", {"outcome": name}) for name in outcomes}
    return {name: count for name, count in counts.items() if count}


def test_a_command_and_its_result(answer, store: Store, metrics, caplog) -> None:
    command = store.commands.add("door", "power", "on")
    (sent,) = answer(commands=0)["commands"]
    assert 0 < sent.pop("ttl_ms") <= 60_000
    assert sent == {"id": command.id, "name": "power", "args": "on"}
    with caplog.at_level(logging.INFO):
        reply = answer(commands=command.id, results=[{"id": command.id, "ok": True}])
    assert "commands" not in reply
    assert store.commands.get("door", command.id).state == "done"
    assert f"door: command {command.id} power: done" in caplog.text
    assert counted(metrics) == {"sent": 1, "done": 1}


def test_a_board_cannot_write_log_lines_of_its_own(answer, store: Store, caplog) -> None:
    command = store.commands.add("door", "power", "on")
    answer(commands=0)
    error = "no\n2026-11-22 10:00:00 INFO agent: \x1b[31mall is well"
    with caplog.at_level(logging.INFO):
        answer(commands=command.id, results=[{"id": command.id, "error": error}])
    assert "failed (no\\n2026-11-22" in caplog.text
    assert "\x1b" not in caplog.text


def test_what_becomes_of_commands_is_counted(answer, store: Store, metrics) -> None:
    given = [store.commands.add("door", "power", n) for n in range(3)]
    answer(commands=0)
    answer(commands=0)
    results = [
        {"id": given[0].id, "error": "no such command"},
        {"id": given[1].id, "error": "unknown"},
    ]
    answer(commands=given[2].id, results=results)
    assert counted(metrics) == {"sent": 3, "failed": 1, "unknown": 2}


def test_a_board_without_commands_hears_of_none(answer, store: Store) -> None:
    store.commands.add("door", "power", "on")
    assert answer() == {"ack": [0, 0]}


BAD_RESULTS = [
    None,
    7,
    "x",
    {},
    [7],
    [[]],
    [{"ok": True}],
    [{"id": -1, "ok": True}],
    [{"id": 5, "ok": False}],
    [{"id": 5}],
    [{"id": 5, "ok": True, "error": "x"}],
    [{"id": 5, "error": 5}],
    [{"id": 5, "error": float("nan")}],
    [{"id": 5, "error": "\ud800"}],
    [{"id": 5, "ok": True}] * 65,
]


@pytest.mark.parametrize("number", range(len(BAD_RESULTS)))
def test_bad_results_cost_no_event_and_are_told_once(
    answer, store: Store, caplog, monkeypatch, press, number: int
) -> None:
    monkeypatch.setattr("host_agent.link.report_parts._command_warnings", Throttle(60))
    for seq in (1, 2):
        assert answer(press(1, seq), commands=0, results=BAD_RESULTS[number])["ack"] == [1, seq]
    assert store.stats().pending == 2
    assert caplog.text.count("results of door left out") == 1


@pytest.mark.parametrize("taken", [None, "5", -1, 1.5, 2**53, [], float("nan")])
def test_a_bad_number_of_the_last_command_is_none(answer, store: Store, press, taken) -> None:
    store.commands.add("door", "power", "on")
    assert answer(press(1, 1), commands=taken) == {"ack": [1, 1]}
    assert store.device("door").commanded is None


def parse(**fields: object):
    content = {"boot": 3, "frame": 1, "events": []} | fields
    opened = OpenedReport("door", bytes(32), "tag", json.dumps(content).encode())
    return parse_report(opened, now_ms())


def test_a_bad_result_costs_no_other() -> None:
    found = parse(
        commands=7,
        results=[{"id": 5, "ok": True}, {"id": 6}, {"id": 7, "error": "x" * 500, "later": 1}],
    )
    assert found.commanded == 7
    assert found.results == (CommandResult(5, None), CommandResult(7, "x" * 200))


def test_a_value_that_spoils_the_json_of_an_event_costs_no_result(press) -> None:
    spoilt = press(3, 1, params={"a": float("nan")})
    found = parse(events=[spoilt, press(3, 2)], commands=5, results=[{"id": 5, "ok": True}])
    assert [type(event) for event in found.events] == [BadEvent, CapturedEvent]
    assert (found.commanded, found.results) == (5, (CommandResult(5, None),))


@pytest.mark.parametrize("text", ["\0" * 128, "x" * 128, ""])
def test_everything_at_its_longest_fits_into_a_reply(
    sessions: Sessions, store: Store, make_board, press, text: str
) -> None:
    """The verdict first, then the access list, then commands, which never go beside a verdict."""
    board = make_board(LONGEST_NAME, store.add_device(LONGEST_NAME, "Lock").key)
    board.boot = 2**31 - 2**16
    asyncio.run(sessions.exchange(board.seal(press(board.boot, 2**31 - 1))))
    given = [store.commands.add(LONGEST_NAME, "n" * 64, text, 86_400).id for _ in range(12)]
    for number in range(20):
        store.add_credential(LONGEST_NAME, f"user{number}", "badge", "e" * 128, f"1:{number}")
    state = store.access(LONGEST_NAME)

    taken, held, got = 0, Held("", 0), []
    for number in range(60):
        fields = {"access": held, "commands": taken}
        if number % 2:
            fields["attempt"] = attempt(2**53 - 1) | {"message": "?"}
        if got:
            fields["results"] = [{"id": one, "ok": True} for one in got[-8:]]
        frame = asyncio.run(sessions.exchange(board.seal(**fields))).frame
        assert len(frame) <= 2048 - 90, "with the longest reason too"
        reply = board.open(frame)
        assert ("verdict" in reply) == (number % 2 == 1)
        assert held == (state.list, state.rev) or "access" in reply
        for command in reply.get("commands", []):
            assert command["id"] > taken
            taken = command["id"]
            got.append(taken)
        if "access" in reply:
            held = Held(reply["access"]["list"], reply["access"]["rev"])
    assert got == given
    assert held == (state.list, state.rev)


def test_a_small_change_travels_beside_commands(answer, store: Store) -> None:
    state = store.add_credential("door", "ann", "code", "", "1234")
    store.set_lockdown("door", True)
    store.commands.add("door", "power", "on")
    reply = answer(access=[state.list, state.rev], commands=0)
    assert reply["access"]["lockdown"] is True
    assert len(reply["commands"]) == 1
