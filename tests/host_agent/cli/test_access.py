import asyncio
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from host_agent.access import Held, digest_of
from host_agent.cli.output import local_time
from host_agent.clock import now_ms
from host_agent.store import Accepted, Report, Store
from tests.at_terminal import AtTerminal


@pytest.fixture
def access(ready, monkeypatch):
    """`thingwarden access ...` with `typed` on its standard input."""

    def access(*arguments: object, typed: bytes | str = b""):
        data = typed if isinstance(typed, bytes) else typed.encode()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        return ready("access", *arguments)

    return access


def listed(access, *arguments: object) -> list[dict[str, object]]:
    return json.loads(access("list", "--json", *arguments).out)


def opens(directory: Path, kind: str, secret: str) -> str | None:
    """Whom this code or badge lets in at the door."""
    with Store.open(directory / "thingwarden.db") as store:
        state = store.access("door")
    digest = digest_of(kind, secret, state.salt, state.iterations)
    return next((entry.user for entry in state.credentials if entry.digest == digest), None)


def test_a_code_is_piped_in_and_listed_without_itself(access, tmp_path: Path) -> None:
    before = now_ms()
    added = access("add", "door", "anna", "--email", "anna@example.com", typed="2468\n")
    assert added.code == 0
    (door,) = listed(access)
    (credential,) = door.pop("credentials")
    assert door == {"device": "door", "lockdown": False, "on_board": "never"}
    added_ms = credential.pop("added_ms")
    assert before <= added_ms <= now_ms()
    assert credential == {
        "user": "anna",
        "kind": "code",
        "email": "anna@example.com",
        "on_board": "never",
    }
    table = access("list").out
    assert f"door    anna  code  anna@example.com  {local_time(added_ms)}  never" in table
    assert "2468" not in added.out + added.err + table
    assert opens(tmp_path, "code", "2468") == "anna"


def test_a_badge_is_no_code(access, tmp_path: Path) -> None:
    assert access("add", "door", "anna", "--badge", typed="12:34567").code == 0
    assert opens(tmp_path, "badge", "12:34567") == "anna"
    assert access("add", "door", "anna", typed="2468\r\n").code == 0
    assert access("remove", "door", "anna", "--badge").code == 0
    assert opens(tmp_path, "badge", "12:34567") is None
    assert opens(tmp_path, "code", "2468") == "anna"


def test_a_user_is_removed_with_all(access) -> None:
    access("add", "door", "anna", typed="2468")
    access("add", "door", "anna", "--badge", typed="1:2")
    access("add", "door", "ben", typed="1357")
    assert access("remove", "door", "anna").code == 0
    assert [entry["user"] for entry in listed(access, "door")[0]["credentials"]] == ["ben"]


def test_a_new_code_takes_the_place_of_the_old_one(access, tmp_path: Path) -> None:
    access("add", "door", "anna", typed="2468")
    assert access("add", "door", "anna", typed="1357").code == 0
    assert opens(tmp_path, "code", "2468") is None
    assert opens(tmp_path, "code", "1357") == "anna"


def test_a_generated_code_is_shown_once_and_lets_in(access, tmp_path: Path) -> None:
    codes = set()
    for user in ("anna", "ben", "eve"):
        outcome = access("add", "door", user, "--generate")
        code = outcome.out.splitlines()[0].removeprefix(f"the code of {user}: ")
        assert len(code) == 6 and code.isdecimal()
        assert outcome.out.count(code) == 1
        assert opens(tmp_path, "code", code) == user
        codes.add(code)
    assert len(codes) == 3


@pytest.mark.parametrize(
    ("arguments", "typed", "told"),
    [
        (["add", "nobody", "anna"], "2468", "there is no device nobody"),
        (["add", "door", "anna"], "246", "code: must have 4 to 12 digits"),
        (["add", "door", "anna"], "2" * 13, "code: must have 4 to 12 digits"),
        (["add", "door", "anna"], "24x8", "code: must have 4 to 12 digits"),
        (["add", "door", "anna"], b"\xff\xfe24", "code: must have 4 to 12 digits"),
        (["add", "door", "anna", "--badge"], "2468", "badge: must be FACILITY:CARD"),
        (["add", "door", "ben"], "9999", "another user of this door has the same"),
        (["add", "door", ""], "2468", "user: must have 1 to 64 characters"),
        (["add", "door", "a\nb"], "2468", "user: must have no control characters"),
        (["add", "door", "anna\udcff"], "2468", "user: must have no control characters"),
        (["add", "door", "anna", "--email", "x" * 129], "2468", "email: must have 0 to 128"),
        (["remove", "door", "ben"], "", "this door has no credential of 'ben'"),
        (["remove", "door", "eve", "--badge"], "", "this door has no badge of 'eve'"),
        (["remove", "nobody", "anna"], "", "there is no device nobody"),
        (["list", "nobody"], "", "there is no device nobody"),
        (["lockdown", "door", "nobody"], "", "there is no device nobody"),
        (["release", "nobody"], "", "there is no device nobody"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(access, arguments, typed, told: str) -> None:
    access("add", "door", "eve", typed="9999")
    before = listed(access)
    outcome = access(*arguments, typed=typed)
    assert outcome.code == 1
    assert outcome.err.startswith("thingwarden: ") and outcome.err.count("\n") == 1
    assert told in outcome.err
    assert not typed or str(typed) not in outcome.err
    assert listed(access) == before


@pytest.mark.parametrize(
    ("arguments", "typed"),
    [
        (["add", "door", "anna"], ""),
        (["add", "door", "anna"], "\n"),
        (["add", "door", "anna", "2468"], ""),
        (["add", "door", "anna", "--badge", "--generate"], ""),
        (["remove", "door", "anna", "--badge", "--code"], ""),
        (["lockdown"], ""),
        (["release"], ""),
    ],
)
def test_a_command_that_is_given_wrongly_is_exit_code_2(access, arguments, typed: str) -> None:
    assert access(*arguments, typed=typed).code == 2
    assert listed(access) == []


def test_a_door_holds_so_many_and_says_so(access, tmp_path: Path) -> None:
    with Store.open(tmp_path / "thingwarden.db") as store:
        for number in range(64):
            store.add_credential("door", f"user-{number}", "code", "", f"{number:04}")
    for more in ([], ["--generate"]):
        outcome = access("add", "door", "anna", *more, typed="123456")
        assert outcome.code == 1
        assert "64 credentials already" in outcome.err
        assert outcome.out == ""


def test_lockdown_and_release(access) -> None:
    access("add", "door", "anna", typed="2468")
    assert access("lockdown", "door").code == 0
    assert listed(access)[0]["lockdown"] is True
    assert "door is in lockdown: nobody gets in; on the board: never" in access("list").out
    assert access("release", "door").code == 0
    assert listed(access)[0]["lockdown"] is False


@pytest.fixture
def poll(tmp_path: Path):
    """Lets the board of the door tell which list it holds; `behind`, so many changes ago."""

    def poll(behind: int = 0, list_: str | None = None) -> None:
        with Store.open(tmp_path / "thingwarden.db") as store:
            device, state = store.device("door"), store.access("door")
            held = Held(list_ or state.list, state.rev - behind)
            report = Report("door", device.key, 1, device.frame + 1, now_ms(), access=held)
            assert isinstance(asyncio.run(store.accept(report)), Accepted)

    return poll


def on_board(access) -> list[str]:
    """Of the whole list, then of its credentials."""
    (door,) = listed(access)
    return [door["on_board"], *(entry["on_board"] for entry in door["credentials"])]


def test_what_the_board_has_taken_is_shown_by_credential(access, poll) -> None:
    access("add", "door", "anna", typed="2468")
    access("add", "door", "ben", typed="1357")
    poll(behind=1)
    assert on_board(access) == ["not yet", "yes", "not yet"]
    table = access("list").out.splitlines()
    ends = [line.rstrip().rpartition("  ")[2] for line in table[:3]]
    assert ends == ["on the board", "yes", "not yet"]
    assert table[3:] == ["door opens by its earlier list until its board polls"]
    poll()
    assert on_board(access) == ["yes", "yes", "yes"]
    assert len(access("list").out.splitlines()) == 3
    poll(list_="ffffffff")
    assert on_board(access) == ["not yet"] * 3
    poll(behind=-1)
    assert on_board(access) == ["not yet"] * 3, "a later rev than ours is of another history"


def test_a_removal_that_the_board_has_not_taken_is_told(access, poll) -> None:
    access("add", "door", "anna", typed="2468")
    poll()
    access("remove", "door", "anna")
    assert on_board(access) == ["not yet"]
    assert "door opens by its earlier list" in access("list").out
    poll()
    assert "earlier list" not in access("list").out


def test_a_lockdown_is_on_the_board_once_it_told_so(access, poll) -> None:
    access("add", "door", "anna", typed="2468")
    poll()
    access("lockdown", "door")
    assert "nobody gets in; on the board: not yet" in access("list").out
    poll()
    assert "nobody gets in; on the board: yes" in access("list").out


def test_a_credential_from_before_its_time_was_kept_has_none(access, tmp_path: Path) -> None:
    access("add", "door", "anna", typed="2468")
    with closing(sqlite3.connect(tmp_path / "thingwarden.db")) as connection, connection:
        (text,) = connection.execute("SELECT state FROM access").fetchone()
        state = json.loads(text)
        del state["credentials"][0]["added_ms"]
        connection.execute("UPDATE access SET state = ?", (json.dumps(state),))
    assert listed(access)[0]["credentials"][0]["added_ms"] is None
    assert "door    anna  code                 never" in access("list").out


def test_a_lockdown_of_several_is_of_all_or_none(access) -> None:
    access("add", "door", "anna", typed="2468")
    assert access("lockdown", "door", "nobody").code == 1
    assert listed(access)[0]["lockdown"] is False


@pytest.fixture
def at_terminal(ready, tmp_path: Path):  # noqa: ARG001 (there must be a door)
    """Runs `access add door anna` at a terminal; (exit code, what the terminal showed)."""

    def at_terminal(*typed: str) -> tuple[int, str]:
        arguments = ["-m", "host_agent", "access", "add", "door", "anna"]
        with AtTerminal(arguments, tmp_path) as terminal:
            for keys in typed:
                terminal.wait_for(": ")
                terminal.press(keys)
            return terminal.end(), terminal.shown

    return at_terminal


def test_at_a_terminal_the_code_is_asked_for_twice_and_not_shown(at_terminal, tmp_path) -> None:
    code, shown = at_terminal("2468\n", "2468\n")
    assert code == 0, shown
    assert "code: " in shown and "code, again: " in shown
    assert "2468" not in shown
    assert opens(tmp_path, "code", "2468") == "anna"


def test_two_entries_that_differ_are_refused(at_terminal) -> None:
    code, shown = at_terminal("2468\n", "2469\n")
    assert code == 2
    assert "the two entries differ" in shown
    assert "246" not in shown


def test_nothing_typed_is_told(at_terminal) -> None:
    code, shown = at_terminal("\n", "\n")
    assert (code, "no code was typed" in shown) == (2, True)
    code, shown = at_terminal("\x04")
    assert (code, "no code was typed" in shown) == (2, True)
