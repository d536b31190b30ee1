"""A door: a code or badge, judged by the board and by GuardianKey, opens it or not."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from host_agent.guardiankey import Account
from tests.certificates import Authority
from tests.end_to_end.system import KEYPAD, LOCK_PIN, System, wait_until
from tools.sandbox import Account as Known
from tools.sandbox import running
from tools.simulator import SimulatedBoard

CODE, WRONG = "471108", "940221"
READER = {"d0": 32, "d1": 33}


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path)
    try:
        system.start_with_guardiankey()
        yield system
    finally:
        system.close()


def add_alice(system: System, door: str = "front-door") -> None:
    system.thingwarden("access", "add", door, "alice", answer=CODE + "\n")


def knows(board: SimulatedBoard, users: int) -> None:
    """Until the board has the list with so many credentials."""
    board.wait_for(rf"^access: {users} ")


def enter(board: SimulatedBoard, code: str) -> str:
    """Type a code; what the board says of it."""
    said = len(board.lines)
    board.type_keys(code + "#", KEYPAD)
    return board.wait_for(r"^door: (.*)", since=said)[1]


def opens(board: SimulatedBoard) -> None:
    board.wait_for_output(LOCK_PIN, 1)
    board.wait_for_output(LOCK_PIN, 0)


def activations(system: System, count: int) -> list[dict[str, str]]:
    """The parameters of the lock_activate events at SecuriThings, once there are so many."""

    def bodies() -> list[dict[str, str]]:
        found = [body for body in system.received() if body["TYPE"] == "lock_activate"]
        return [{p["NAME"]: p["VALUE"] for p in body["PARAMS"]} for body in found]

    wait_until(lambda: len(bodies()) >= count, f"{count} lock_activate events")
    return bodies()


def notified(system: System) -> list[str]:
    """What GuardianKey told by webhook, newest first."""
    listed = json.loads(system.thingwarden("notifications", "list", "--json").stdout)
    return [notification["verdict"] for notification in listed]


def test_a_good_code_opens_and_both_clouds_know(system: System) -> None:
    board = system.door("front-door")
    add_alice(system)
    with board:
        knows(board, 1)
        assert enter(board, CODE) == "opened for alice (ACCEPT)"
        opens(board)
        (activation,) = activations(system, 1)
    (told,) = system.guardiankey_events()
    event = told["event"]
    assert told["path"] == "/checkaccess"
    assert (event["userName"], event["loginFailed"], event["event_type"]) == (
        "alice",
        "0",
        "Authentication",
    )
    assert event["service"] == "front-door"
    assert abs(int(event["generatedTime"]) - time.time()) < 60
    assert (activation["user"], activation["granted"], activation["opened"]) == (
        "alice",
        "true",
        "true",
    )
    assert activation["verdict"] == "ACCEPT"
    assert activation["attempt"] == str(event["sequential"])


def test_wrong_codes_never_open_and_end_in_a_block_that_is_notified(system: System) -> None:
    board = system.door("front-door")
    add_alice(system)
    with board:
        knows(board, 1)
        outcomes = []
        while not outcomes or "BLOCK" not in outcomes[-1]:
            outcomes.append(enter(board, WRONG))
            assert len(outcomes) < 5
        assert all(outcome.startswith("refused front-door keypad") for outcome in outcomes)
        assert board.outputs.get(LOCK_PIN, 0) == 0
        told = activations(system, len(outcomes))
    assert {entry["opened"] for entry in told} == {"false"}
    assert {entry["user"] for entry in told} == {"front-door keypad"}
    assert {told["event"]["loginFailed"] for told in system.guardiankey_events()} == {"1"}
    wait_until(lambda: "BLOCK" in notified(system), "the notification")


def test_who_was_removed_is_refused(system: System) -> None:
    board = system.door("front-door")
    add_alice(system)
    with board:
        knows(board, 1)
        system.thingwarden("access", "remove", "front-door", "alice")
        knows(board, 0)
        assert enter(board, CODE).startswith("refused front-door keypad (unknown")
        assert board.outputs.get(LOCK_PIN, 0) == 0


def test_a_badge_opens_and_another_does_not(system: System) -> None:
    board = system.door("front-door", wiegand=READER)
    system.thingwarden("access", "add", "front-door", "alice", "--badge", answer="12:34567\n")
    with board:
        knows(board, 1)
        board.badge(READER["d0"], READER["d1"], 12, 34567)
        board.wait_for(r"^door: opened for alice \(ACCEPT\)$")
        opens(board)
        board.badge(READER["d0"], READER["d1"], 12, 34568)
        board.wait_for(r"^door: refused front-door keypad \(unknown, ")
        assert board.outputs[LOCK_PIN] == 0


def test_a_board_may_ask_guardiankey_itself_over_tls(system: System, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    account = Account.load(tmp_path / "guardiankey.toml")
    known = Known(account.auth_group_id, account.organization_id, account.key, account.iv)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(
            running(accounts=[known], tls=authority.server("localhost"))
        ) as judge,
    ):
        api = judge.url.replace("127.0.0.1", "localhost")
        board = system.door("front-door", guardiankey={"route": "rest", "api": api})
        (board.root / "ca.der").write_bytes(authority.der)
        add_alice(system)
        board.start()
        knows(board, 1)
        assert enter(board, CODE) == "opened for alice (ACCEPT)"
        opens(board)
        (told,) = [received.body for received in judge.guardiankey.inbox.after(0)]
        assert (told.transport, told.path) == ("https", "/checkaccess")
        assert (told.event["userName"], told.event["loginFailed"]) == ("alice", "0")
    assert enter(board, CODE) == "refused alice (no verdict)"
    assert system.guardiankey_events() == []


def test_without_a_verdict_the_door_stays_shut_and_the_attempt_arrives_later_once(
    system: System,
) -> None:
    board = system.door("front-door")
    add_alice(system)
    with board:
        knows(board, 1)
        system.guardiankey_fault({"kind": "hang"})
        assert enter(board, CODE).startswith("refused alice (no verdict")
        assert board.outputs.get(LOCK_PIN, 0) == 0
        wait_until(lambda: system.guardiankey_events(), "the late attempt")
    (told,) = system.guardiankey_events()
    assert told["path"] == "/sendevent"
    assert told["event"]["userName"] == "alice"


def test_with_the_agent_gone_a_door_may_be_set_to_open(system: System) -> None:
    board = system.door("front-door", no_verdict="open")
    add_alice(system)
    with board:
        knows(board, 1)
        system.agent.kill()
        assert enter(board, CODE).startswith("opened for alice (no verdict")
        assert enter(board, WRONG).startswith("refused")
        system.agent.start()
        wait_until(lambda: len(system.guardiankey_events()) == 2, "both late attempts")
    told = [event["event"] for event in system.guardiankey_events()]
    assert [event["loginFailed"] for event in told] == ["0", "1"]
    assert told[0]["sequential"] < told[1]["sequential"]


def test_a_power_cut_leaves_the_door_shut_and_no_number_is_used_twice(system: System) -> None:
    board = system.door("front-door")
    add_alice(system)
    with board:
        knows(board, 1)
        enter(board, CODE)
        board.wait_for_output(LOCK_PIN, 1)
    with board:
        assert board.outputs.get(LOCK_PIN) in (None, 0)
        board.wait_for("agent: connected")
        assert enter(board, CODE) == "opened for alice (ACCEPT)"
    first, second = [told["event"]["sequential"] for told in system.guardiankey_events()]
    assert first < second


def test_a_lockdown_refuses_the_good_code_until_it_is_released(system: System) -> None:
    board = system.door("front-door")
    add_alice(system)
    with board:
        knows(board, 1)
        system.thingwarden("access", "lockdown", "front-door")
        board.wait_for(r"^access: .*lockdown")
        assert "lockdown" in enter(board, CODE)
        assert board.outputs.get(LOCK_PIN, 0) == 0
        said = len(board.lines)
        system.thingwarden("access", "release", "front-door")
        board.wait_for(r"^access: 1 ", since=said)
        assert enter(board, CODE) == "opened for alice (ACCEPT)"


def test_no_code_is_kept_anywhere(system: System) -> None:
    board = system.door("front-door")
    add_alice(system)
    with board:
        knows(board, 1)
        enter(board, CODE)
        enter(board, WRONG)
        activations(system, 2)
    system.agent.stop()
    for path in system.directory.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert CODE.encode() not in content, path
            assert WRONG.encode() not in content, path
    assert not any(CODE in line or WRONG in line for line in board.lines)
    assert CODE not in json.dumps(system.guardiankey_events()) + json.dumps(system.received())


def test_a_notification_may_put_the_doors_into_lockdown(tmp_path: Path) -> None:
    system = System(tmp_path)
    try:
        system.start_with_guardiankey('lockdown_on = ["BLOCK"]', 'lockdown_devices = ["*"]')
        board = system.door("front-door")
        add_alice(system)
        with board:
            knows(board, 1)
            while "BLOCK" not in enter(board, WRONG):
                pass
            board.wait_for(r"^access: .*lockdown")
            assert "lockdown" in enter(board, CODE)
    finally:
        system.close()
