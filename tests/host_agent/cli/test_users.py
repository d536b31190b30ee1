"""`thingwarden user`: who may log in, with passwords that no argument and no answer shows."""

import io
import json
from pathlib import Path

import pytest

from host_agent.cli.output import local_time
from host_agent.clock import now_ms
from host_agent.passwords import verify
from host_agent.store import Store
from tests.at_terminal import AtTerminal

PASSWORD = "correct horse battery"
OTHER = "staple and another word"


@pytest.fixture
def user(warden, monkeypatch):
    """`thingwarden user ...` with `typed` on its standard input."""
    assert warden("init").code == 0

    def user(*arguments: object, typed: bytes | str = b""):
        data = typed if isinstance(typed, bytes) else typed.encode()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        return warden("user", *arguments)

    return user


@pytest.fixture
def people(tmp_path: Path):
    """As the running agent sees them."""
    with Store.open(tmp_path / "thingwarden.db") as store:
        yield store.people


def test_a_user_is_added_and_listed_without_the_password(user, people) -> None:
    before = now_ms()
    added = user("add", "ann", "--email", "ann@example.com", typed=PASSWORD + "\n")
    assert (added.code, added.err) == (0, "")
    ann = people.user("ann")
    assert verify(ann.password, PASSWORD)
    assert before <= ann.created_ms <= now_ms()

    listed, table = user("list", "--json"), user("list")
    times = {"created_ms": ann.created_ms, "changed_ms": ann.changed_ms}
    assert json.loads(listed.out) == [{"name": "ann", "email": "ann@example.com"} | times]
    assert f"ann   ann@example.com  {local_time(ann.created_ms)}" in table.out
    for shown in (added.out, listed.out, table.out):
        assert PASSWORD not in shown
        assert "argon2" not in shown


def test_a_new_password_takes_the_place_of_the_old_one(user, people) -> None:
    user("add", "ann", typed=PASSWORD)
    before = people.user("ann")
    assert user("password", "ann", typed=OTHER + "\r\n").code == 0
    after = people.user("ann")
    assert verify(after.password, OTHER)
    assert not verify(after.password, PASSWORD)
    assert after.changed_ms > before.changed_ms
    assert after.created_ms == before.created_ms


def test_a_user_is_removed(user, people) -> None:
    user("add", "ann", typed=PASSWORD)
    assert user("remove", "ann").code == 0
    assert people.user("ann") is None
    assert json.loads(user("list", "--json").out) == []


CANNOT = {
    "short": (["add", "ben"], "x" * 11, "12 to 1024 characters"),
    "long": (["add", "ben"], "x" * 1025, "12 to 1024 characters"),
    "long in bytes": (["add", "ben"], "\N{GRINNING FACE}" * 3000, "12 to 1024 characters"),
    "no text": (["add", "ben"], b"\xff\xfe" * 10, "UTF-8"),
    "the name": (["add", "benjamin.example"], "Benjamin.Example", "must not be the user's name"),
    "there already": (["add", "ann"], OTHER, "there is a user ann already"),
    "in capitals": (["add", "Ann"], OTHER, "there is a user ann already"),
    "no name": (["add", "b n"], OTHER, "'b n' cannot be a user's name"),
    "no text as name": (["add", "ben\udcff"], OTHER, "cannot be a user's name"),
    "cyrillic": (["add", "b\u0435n"], OTHER, "cannot be a user's name"),
    "address": (["add", "ben", "--email", "a\nb"], OTHER, "e-mail address of ben"),
    "password of nobody": (["password", "ben"], OTHER, "there is no user ben"),
    "bad new password": (["password", "ann"], "x", "12 to 1024 characters"),
    "remove nobody": (["remove", "ben"], "", "there is no user ben"),
    "remove no text": (["remove", "ben\udcff"], "", "there is no user ben\\udcff"),
}


@pytest.mark.parametrize(("arguments", "typed", "told"), CANNOT.values(), ids=CANNOT)
def test_what_cannot_be_done_is_one_clear_line(user, people, arguments, typed, told) -> None:
    before = people.add_user("ann", "", "a hash")
    outcome = user(*arguments, typed=typed)
    assert outcome.code == 1
    assert outcome.err.startswith("thingwarden: ") and outcome.err.count("\n") == 1
    assert told in outcome.err
    assert len(typed) < 2 or str(typed) not in outcome.err
    assert people.user("ann") == before
    assert len(json.loads(user("list", "--json").out)) == 1


@pytest.mark.parametrize(
    ("arguments", "typed"),
    [
        (["add", "ann"], ""),
        (["add", "ann"], "\n"),
        (["add", "ann", "--password", PASSWORD], PASSWORD),
        (["add", "ann", PASSWORD], PASSWORD),
        (["add"], PASSWORD),
        (["remove"], ""),
    ],
    ids=["end", "empty line", "option", "argument", "nobody", "remove nobody"],
)
def test_a_command_that_is_given_wrongly_is_exit_code_2(user, arguments, typed: str) -> None:
    assert user(*arguments, typed=typed).code == 2
    assert json.loads(user("list", "--json").out) == []


@pytest.mark.usefixtures("user")
def test_at_a_terminal_the_password_is_asked_for_twice_and_not_echoed(people, tmp_path) -> None:
    with AtTerminal(["-m", "host_agent", "user", "add", "ann"], tmp_path) as terminal:
        for question in ("password: ", "password, again: "):
            terminal.answer(question, PASSWORD)
        assert terminal.end() == 0
    assert PASSWORD not in terminal.shown
    assert verify(people.user("ann").password, PASSWORD)


def test_a_backup_carries_nobody(user, warden, tmp_path: Path) -> None:
    user("add", "ann", "--email", "ann@example.com", typed=PASSWORD)
    assert warden("device", "add", "door", "--type", "Lock").code == 0
    assert warden("token", "add", "heating", "--scope", "read").code == 0
    assert warden("backup", "copy.json").code == 0
    for copy in ("copy.json", "thingwarden.db.devices.json"):
        content = (tmp_path / copy).read_text()
        assert "door" in content
        for secret in ("ann", "heating", "argon2"):
            assert secret not in content
