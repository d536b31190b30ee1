"""The rules of commands, without a store."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.commands import (
    MAX_SENT,
    MAX_SENT_BYTES,
    CommandError,
    CommandResult,
    after_report,
    as_it_stands,
    message_of,
    new_command,
    sendable,
)

NOW = 1_800_000_000_000


def command(number: int, args=None, *, sent: bool = False, ttl_s: float = 60):
    made = new_command("door", number, "power", args, ttl_s, NOW)
    return replace(made, sent_ms=NOW) if sent else made


def judged(before, taken, *results, taken_before=None, now=NOW):
    return [
        (found.state, found.result)
        for found in after_report(before, taken, taken_before, results, now)
    ]


@pytest.mark.parametrize("name", ["power", "P", "a.b_c-9", "x" * 64])
@pytest.mark.parametrize("args", [None, True, 0, -(2**63), 2**63 - 1, 1.5, "", "x" * 128, "\0é🚪"])
def test_what_can_be_a_command(name, args):
    made = new_command("door", 7, name, args, 1, NOW)
    assert (made.name, made.args, made.expires_ms - made.created_ms) == (name, args, 1000)


@pytest.mark.parametrize("name", ["", "9", "-a", "a b", "é", "x" * 65, "a\n", None, 5])
def test_a_name_that_no_board_could_have_is_refused(name):
    with pytest.raises(CommandError, match="cannot be a command"):
        new_command("door", 7, name, None, 60, NOW)


@pytest.mark.parametrize(
    "args",
    ["x" * 129, "\ud800", float("nan"), float("inf"), 2**63, [1], {"a": 1}, b"on"],
    ids=["long", "surrogate", "nan", "inf", "beyond 64 bits", "list", "dict", "bytes"],
)
def test_a_value_that_no_board_could_read_is_refused(args):
    with pytest.raises(CommandError, match="power: its value"):
        new_command("door", 7, "power", args, 60, NOW)


@pytest.mark.parametrize("ttl_s", [0, 0.99, -1, 86401, float("nan"), float("inf"), "60"])
def test_a_time_beyond_a_day_or_below_a_second_is_refused(ttl_s):
    with pytest.raises(CommandError, match="1 to 86400 seconds"):
        new_command("door", 7, "power", None, ttl_s, NOW)


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (CommandResult(5, None), ("done", "")),
        (CommandResult(5, "no such command"), ("failed", "no such command")),
        (CommandResult(5, "unknown"), ("unknown", "its board was interrupted")),
        (CommandResult(5, ""), ("failed", "")),
    ],
)
def test_a_result_settles_its_command_and_no_other(result, told):
    before = [command(5, sent=True), command(6, sent=True)]
    assert judged(before, 5, result) == [told, ("open", "")]


def test_a_command_that_the_board_took_without_telling_is_unknown():
    assert judged([command(5, sent=True)], 5) == [("unknown", "its board did not tell")]


def test_a_result_of_a_command_that_was_never_sent_is_of_another_one():
    """A lost store may have given the number before."""
    (state, reason) = judged([command(5)], 5, CommandResult(5, None))[0]
    assert (state, "ahead" in reason) == ("unknown", True)


def test_a_board_that_forgot_what_it_took_may_have_done_it():
    before = [command(8, sent=True), command(9)]
    (state, reason), never_sent = judged(before, 0, taken_before=7)
    assert (state, "forgot" in reason) == ("unknown", True)
    assert never_sent == ("open", "")


@pytest.mark.parametrize("taken", [0, 4, None])
def test_one_whose_time_is_over_expires(taken):
    assert judged([command(5)], taken, now=NOW + 59_999) == [("open", "")]
    assert judged([command(5)], taken, now=NOW + 60_000) == [("expired", "")]


def test_one_that_was_sent_expires_only_if_the_board_says_that_it_has_not_taken_it():
    assert judged([command(5, sent=True)], 4, now=NOW + 60_000) == [("expired", "")]
    (state, _) = judged([command(5, sent=True)], None, now=NOW + 60_000)[0]
    assert state == "unknown"


def test_what_stands_without_a_report():
    over = NOW + 61_000
    assert as_it_stands(command(5), over - 1).state == "open"
    assert as_it_stands(command(5), over).state == "expired"
    assert as_it_stands(command(5, sent=True), over).state == "open", "it may have been done"


def test_a_message_has_the_time_that_is_left():
    content = json.loads(message_of([command(5, "on"), command(6, ttl_s=10)], NOW + 9000))
    assert content == [
        {"id": 5, "name": "power", "args": "on", "ttl_ms": 51_000},
        {"id": 6, "name": "power", "args": None, "ttl_ms": 1000},
    ]
    late = message_of([command(5), command(6, ttl_s=10)], NOW + 10_000)
    assert [one["id"] for one in json.loads(late)] == [5]
    assert message_of([command(5)], NOW + 60_000) is None
    assert message_of([], NOW) is None


def test_a_clock_that_is_set_back_gives_a_command_no_more_time_than_it_had():
    (message,) = json.loads(message_of([command(5)], NOW - 3_600_000))
    assert message["ttl_ms"] == 60_000


texts = st.text(st.characters(codec="utf-8"), max_size=128)
values = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | texts


@given(st.lists(values, min_size=1, max_size=12), st.integers(-500, 2000))
def test_a_reply_takes_the_oldest_that_fit(args, room):
    before = [command(10**9 + number, value) for number, value in enumerate(args)]
    chosen = sendable(before, NOW, room)
    most = min(room, MAX_SENT_BYTES) - len(',"commands":')
    assert chosen == before[: len(chosen)]
    assert len(chosen) <= MAX_SENT
    assert not chosen or len(message_of(chosen, NOW)) <= most
    if len(chosen) < min(len(before), MAX_SENT):
        assert len(message_of(before[: len(chosen) + 1], NOW)) > most - 2


def test_the_longest_command_fits():
    longest = new_command("d" * 64, 2**53 - 1, "n" * 64, "\0" * 128, 86400, NOW)
    assert sendable([longest], NOW, MAX_SENT_BYTES) == [longest]
