"""`thingwarden token`: what programs may do, with tokens that are shown once."""

import json
from pathlib import Path

import pytest

from host_agent.cli.output import local_time
from host_agent.clock import now_ms
from host_agent.store import Store
from host_agent.tokens import id_of, is_genuine

DAY_MS = 86_400_000


@pytest.fixture
def token(warden):
    assert warden("init").code == 0
    return lambda *arguments: warden("token", *arguments)


@pytest.fixture
def stored(tmp_path: Path):
    """The token as the running agent sees it."""
    with Store.open(tmp_path / "thingwarden.db") as store:
        yield store.people.token


def listed(token) -> list[dict[str, object]]:
    return json.loads(token("list", "--json").out)


def test_a_token_is_shown_once_and_lets_in(token, stored) -> None:
    made = token("add", "heating", "--scope", "read", "--scope", "commands:hvac:power")
    assert made.code == 0
    text = made.out.splitlines()[-1]
    assert made.out.count(text) == 1
    found = stored(id_of(text))
    assert is_genuine(found, text, now_ms())
    assert found.scopes == ("read", "commands:hvac:power")
    assert found.expires_ms is None

    table = token("list").out
    row = f"{found.id}  heating  read commands:hvac:power  {local_time(found.created_ms)}"
    assert f"{row}  never    never" in table
    assert text[-43:] not in table + token("list", "--json").out


def test_a_script_gets_it_as_json(token, stored) -> None:
    before = now_ms()
    made = json.loads(token("add", "ci", "--scope", "commands", "--days", "3", "--json").out)
    text = made.pop("token")
    found = stored(made["id"])
    assert is_genuine(found, text, now_ms())
    assert before + 3 * DAY_MS <= found.expires_ms <= now_ms() + 3 * DAY_MS
    assert made == {
        "id": found.id,
        "name": "ci",
        "scopes": ["commands"],
        "created_ms": found.created_ms,
        "expires_ms": found.expires_ms,
        "used_ms": None,
    }
    assert listed(token) == [made]


def test_a_revoked_token_is_gone_and_the_other_of_that_name_stays(token, stored) -> None:
    old, new = (
        json.loads(token("add", "ci", "--scope", "read", "--json").out)["id"] for _ in range(2)
    )
    assert token("revoke", old).code == 0
    assert stored(old) is None
    assert [row["id"] for row in listed(token)] == [new]


CANNOT = {
    "scope": (["add", "ci", "--scope", "write"], "'write' is no scope"),
    "one of them": (["add", "ci", "--scope", "read", "--scope", "commands:a b"], "'commands:a b'"),
    "empty name": (["add", "", "--scope", "read"], "token's name"),
    "blank name": (["add", " ci", "--scope", "read"], "token's name"),
    "no text": (["add", "ci\udcff", "--scope", "read"], "token's name"),
    "turned round": (["add", "c\u202ei", "--scope", "read"], "token's name"),
    "scope no text": (["add", "ci", "--scope", "commands:\udcff"], "is no scope"),
    "unknown": (["revoke", "0123456789ab"], "there is no such token"),
    "unknown no text": (["revoke", "\udcff"], "there is no such token"),
}


@pytest.mark.parametrize(("arguments", "told"), CANNOT.values(), ids=CANNOT)
def test_what_cannot_be_done_is_one_clear_line(token, arguments, told) -> None:
    outcome = token(*arguments)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("thingwarden: ") and outcome.err.count("\n") == 1
    assert told in outcome.err
    assert listed(token) == []


WRONG = {
    "no scope": ["add", "ci"],
    "no days": ["add", "ci", "--scope", "read", "--days", "0"],
    "days before": ["add", "ci", "--scope", "read", "--days", "-1"],
    "too many days": ["add", "ci", "--scope", "read", "--days", "36501"],
    "days in words": ["add", "ci", "--scope", "read", "--days", "ten"],
    "no id": ["revoke"],
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG)
def test_a_command_that_is_given_wrongly_is_exit_code_2(token, arguments) -> None:
    assert token(*arguments).code == 2
    assert listed(token) == []


def test_a_token_that_somebody_found_is_revoked_by_itself(token) -> None:
    made = json.loads(token("add", "ci", "--scope", "read", "--json").out)
    revoked = token("revoke", made["token"])
    assert (revoked.code, revoked.out) == (0, f"revoked {made['id']}\n")
    assert listed(token) == []
    again = token("revoke", made["token"])
    assert (again.code, "no such token" in again.err) == (1, True)
    assert made["token"][-43:] not in again.err
