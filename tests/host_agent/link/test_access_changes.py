"""Access lists on their way to boards: in the sealed reply, whole or in pieces, poll by poll."""

import asyncio
import logging
from base64 import b64decode
from typing import Any

import pytest

from host_agent.link.relay import MAX_REASON
from host_agent.link.sessions import Sessions
from host_agent.store import Store
from host_agent.throttle import Throttle
from tests.host_agent.link.guarded import attempt, guarded
from tests.host_agent.waiting import until

WIDEST = "\U0001f6aa"  # four bytes
LONGEST_NAME = "d" * 64


@pytest.fixture
def poll(sessions: Sessions, board):
    """What the board that holds [list, rev] hears when it polls; "nobody" if it has no door."""

    def poll(held: object = ("", 0), **fields: object) -> Any:
        frame = asyncio.run(sessions.exchange(board.seal(access=held, **fields))).frame
        assert len(frame) <= 2048
        return board.open(frame).get("access")

    return poll


def changes(metrics) -> float:
    return metrics.registry.get_sample_value("thingwarden_access_changes_total") or 0


def test_a_board_takes_what_changed_and_then_hears_no_more(poll, store: Store, metrics) -> None:
    state = store.add_credential("door", "ann", "code", "ann@example.com", "1234")
    change = poll()
    (user, kind, email, digest) = change["set"][0]
    assert (user, kind, email) == ("ann", "code", "ann@example.com")
    assert b64decode(digest) == state.credentials[0].digest
    assert b64decode(change["salt"]) == state.salt
    assert (change["from"], change["rev"], change["more"]) == (0, 1, False)
    assert poll((change["list"], change["rev"])) is None

    store.remove_credential("door", "ann")
    change = poll((change["list"], change["rev"]))
    assert (change["from"], change["set"], change["unset"]) == (1, [], [["ann", "code"]])
    assert changes(metrics) == 2


def test_a_lockdown_comes_with_the_next_poll(poll, store: Store) -> None:
    state = store.add_credential("door", "ann", "code", "", "1234")
    store.set_lockdown("door", True)
    assert poll((state.list, state.rev))["lockdown"] is True
    state = store.set_lockdown("door", False)
    assert poll((state.list, state.rev - 1))["lockdown"] is False


def test_a_device_without_a_list_keeps_what_it_has(poll, metrics) -> None:
    assert poll(("0123abcd", 9)) is None
    assert changes(metrics) == 0


def test_a_board_without_a_door_hears_nothing(sessions, board, store: Store) -> None:
    store.add_credential("door", "ann", "code", "", "1234")
    assert "access" not in board.open(asyncio.run(sessions.exchange(board.seal())).frame)


@pytest.mark.parametrize("held", [None, 7, "", ["x"], ["", -1], ["", 1.5], [3, 3], ["x" * 9, 1]])
def test_nonsense_about_a_list_is_left_out_and_told_once(
    poll, store: Store, caplog, monkeypatch, press, held: object
) -> None:
    monkeypatch.setattr("host_agent.link.report_parts._access_warnings", Throttle(60))
    store.add_credential("door", "ann", "code", "", "1234")
    with caplog.at_level(logging.WARNING):
        for seq in (1, 2):
            assert poll(held, events=[press(1, seq)]) is None
    assert caplog.text.count("access of door left out") == 1
    assert store.device("door").acked == (1, 2)


@pytest.mark.parametrize(("user", "email"), [(WIDEST * 62, WIDEST * 128), ("u", "")])
def test_the_longest_list_fits_beside_the_longest_verdicts(
    sessions: Sessions, store: Store, make_board, press, user: str, email: str
) -> None:
    board = make_board(LONGEST_NAME, store.add_device(LONGEST_NAME, "Lock").key)
    board.boot = 2**31 - 2**16
    asyncio.run(sessions.exchange(board.seal(press(board.boot, 2**31 - 1))))
    longest = [
        store.add_credential(LONGEST_NAME, f"{user}{number:02}", "badge", email, f"1:{number}")
        for number in range(64)
    ]
    state = longest[-1]
    expected = {(entry.user, entry.kind): entry.email for entry in state.credentials}

    held, users = ["", 0], {}
    while held != [state.list, state.rev]:
        # A refusal beside it: of all verdicts it is the longest.
        refused = attempt(2**53 - 1) | {"message": "?"}
        frame = asyncio.run(sessions.exchange(board.seal(access=held, attempt=refused))).frame
        reply = board.open(frame)
        missing = MAX_REASON - len(reply["verdict"]["reason"])
        assert len(frame) + (missing + 16) * 4 / 3 <= 2048, "with the longest reason too"
        change = reply["access"]
        assert (change["from"], bool(change["set"])) == (held[1], True)
        users |= {(name, kind): mail for name, kind, mail, _ in change["set"]}
        held = [change["list"], change["rev"]]
        assert change["more"] == (held != [state.list, state.rev])
    assert users == expected


def test_a_lockdown_during_the_judgement_comes_with_the_verdict(
    store: Store, metrics, board
) -> None:
    state = store.add_credential("door", "ann", "code", "", "1234")

    async def conversation() -> dict[str, Any]:
        async with guarded(store, metrics) as guard:
            guard.fault("delay", seconds=0.3)
            held = [state.list, state.rev]
            waiting = asyncio.create_task(guard.exchange(board, attempt=attempt(7), access=held))
            await until(lambda: guard.relay.in_flight)
            store.set_lockdown("door", True)
            return await waiting

    reply = asyncio.run(conversation())
    assert reply["verdict"]["response"] == "ACCEPT"
    assert reply["access"]["lockdown"] is True
