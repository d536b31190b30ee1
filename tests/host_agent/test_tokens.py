"""What a token's text proves, and what a scope covers."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.commands import CommandError, new_command
from host_agent.people import TokenError
from host_agent.store import DEVICE_NAME
from host_agent.tokens import id_of, is_genuine, may_command, may_read, new_token

PRINTED = string.ascii_letters + string.digits + "._-: "
NOW = 1_800_000_000_000


def made(*scopes, name="heating", expires_ms=None):
    return new_token(name, scopes or ("read",), expires_ms, NOW)


def test_a_token_is_genuine_by_its_text_only():
    token, text = made()
    _, another = made()
    assert id_of(text) == token.id
    assert is_genuine(token, text, NOW)
    assert not is_genuine(token, another, NOW)
    secret = text.rpartition(f"{token.id}_")[2]
    assert (len(secret), len(text)) == (43, 59)
    assert not is_genuine(token, another.replace(id_of(another), token.id), NOW)


@given(st.integers(0, 58), st.sampled_from(string.ascii_letters + string.digits + "-_"))
def test_any_other_character_makes_it_another(place, character):
    token, text = made()
    other = text[:place] + character + text[place + 1 :]
    assert is_genuine(token, other, NOW) == (other == text)


def test_its_text_is_nowhere_in_it():
    token, text = made()
    assert text[-43:] not in repr(token)
    assert "digest" not in repr(token)
    assert text.encode() not in token.digest


def test_it_is_worth_nothing_once_it_expires():
    token, text = made(expires_ms=NOW + 10)
    assert is_genuine(token, text, NOW + 9)
    assert not is_genuine(token, text, NOW + 10)


@given(st.text())
def test_what_is_no_token_has_no_id(text):
    assert id_of(text) is None


TEXT = "tw_0123456789ab_" + "x" * 43
STRANGE = {
    "nothing": "",
    "cut": TEXT[:-1],
    "longer": TEXT + "x",
    "a line": TEXT + "\n",
    "space": " " + TEXT,
    "capitals": TEXT.upper(),
    "padded": TEXT[:-1] + "=",
    "other digits": TEXT.replace("0123456789ab", "\u0660123456789ab"),
    "surrogate": TEXT[:-1] + "\udcff",
}


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_what_is_nearly_a_token_has_no_id(text):
    assert id_of(TEXT) == "0123456789ab"
    assert id_of(text) is None
    token, _ = made()
    assert not is_genuine(token, text, NOW)


@pytest.mark.parametrize(
    ("scopes", "reads", "door_open", "door_shut", "gate_open"),
    [
        (["read"], True, False, False, False),
        (["commands"], False, True, True, True),
        (["commands:door"], False, True, True, False),
        (["commands:door:open"], False, True, False, False),
        (["read", "commands:gate", "commands:door:shut"], True, False, True, True),
        (["commands:doo"], False, False, False, False),
        (["commands:door.open"], False, False, False, False),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else None,
)
def test_scopes(scopes, reads, door_open, door_shut, gate_open):
    token, _ = made(*scopes)
    assert may_read(token) == reads
    assert may_command(token, "door", "open") == door_open
    assert may_command(token, "door", "shut") == door_shut
    assert may_command(token, "gate", "open") == gate_open


@given(st.text(), st.text())
def test_a_strange_device_or_command_is_covered_by_commands_only(device, name):
    token, _ = made("read", "commands:door", "commands:gate:open")
    known = device == "door" or (device, name) == ("gate", "open")
    assert may_command(token, device, name) == known
    everything, _ = made("commands")
    assert may_command(everything, device, name)


def test_a_device_or_command_cannot_be_named_so_that_another_scope_covers_it():
    token, _ = made("commands:door:open")
    assert not may_command(token, "door:open", "anything")
    assert not may_command(token, "", "door:open")


def test_a_scope_twice_is_one():
    assert made("read", "commands", "read")[0].scopes == ("read", "commands")


@given(st.from_regex(DEVICE_NAME, fullmatch=True), st.text(PRINTED, min_size=1, max_size=66))
def test_a_scope_can_name_every_device_and_command_and_nothing_else(device, name):
    try:
        new_command(device, 1, name, None, 60, NOW)
    except CommandError:
        with pytest.raises(TokenError):
            made(f"commands:{device}:{name}")
    else:
        assert may_command(made(f"commands:{device}:{name}")[0], device, name)


SCOPES = {
    "none": [],
    "unknown": ["read", "write"],
    "capitals": ["Read"],
    "empty": [""],
    "blank": ["read "],
    "a line": ["read\n"],
    "no device": ["commands:"],
    "any device": ["commands:*"],
    "no name": ["commands:door:"],
    "more": ["commands:door:open:wide"],
    "no device name": ["commands:-door"],
    "no command name": ["commands:door:1st"],
    "long": ["commands:" + "x" * 65],
    "too many": [f"commands:{number}" for number in range(33)],
}


@pytest.mark.parametrize("scopes", SCOPES.values(), ids=SCOPES)
def test_what_is_no_scope_is_refused(scopes):
    with pytest.raises(TokenError, match="scope"):
        new_token("heating", scopes, None, NOW)


NAMES = {
    "empty": "",
    "blank": " ",
    "space before": " x",
    "space after": "x ",
    "long": "x" * 65,
    "a line": "a\nb",
    "escape": "\x1b[31m",
    "turned round": "a\u202eb",
    "no width": "a\u200bb",
    "surrogate": "a\udcff",
    "other space": "a\u00a0b",
    "wide": "\uff21\uff22",
    "composed otherwise": "cafe\u0301",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_what_cannot_be_read_off_a_list_is_no_name(name):
    with pytest.raises(TokenError, match="name"):
        made(name=name)


@pytest.mark.parametrize("name", ["x", "x" * 64, "heating, ground floor", "Türöffner", "暖房"])
def test_a_name_may_be_any_words(name):
    assert made(name=name)[0].name == name


def test_it_cannot_expire_before_it_begins():
    with pytest.raises(TokenError, match="expire"):
        made(expires_ms=NOW)
