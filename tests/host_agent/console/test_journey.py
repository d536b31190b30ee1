"""The steps of an event, from what the store noted of it."""

import re
from dataclasses import replace
from typing import Any

import pytest

from host_agent.console.pages.journey import journey, precisely
from host_agent.console.pages.telling import duration
from host_agent.store import Caller, StoredEvent

NOW = 1_795_345_200_000
DELIVERED = StoredEvent(
    id=1,
    device="attic",
    boot=1,
    seq=1,
    type="buttonState",
    params={"pressed": True},
    raw="",
    time_ms=NOW - 5000,
    time_source="board",
    accepted_ms=NOW - 3600,
    stored_ms=NOW - 3588,
    state="delivered",
    attempts=0,
    first_attempt_ms=None,
    next_ms=0,
    reason="",
    settled_ms=NOW - 3500,
    event_id="attic:1:1",
    caller=None,
)


def told(**differing: Any) -> list[str]:
    """The steps, "Title +time after the one before", of such an event."""
    steps = journey(replace(DELIVERED, **differing), NOW)
    return [f"{step.title} {step.after}".strip() for step in steps]


def test_times_between_steps() -> None:
    assert told() == [
        "Captured",
        "Received 1.4 s later",
        "Stored 12 ms later",
        "Delivered 88 ms later",
    ]


def test_a_board_whose_clock_is_ahead() -> None:
    assert told(time_ms=NOW)[1] == "Received 3.6 s earlier (clocks differ)"


def test_without_a_clock_capture_is_not_told() -> None:
    assert told(time_source="arrival", time_ms=NOW - 3600)[0] == "Received"


def test_an_old_version_did_not_note_when_it_was_stored() -> None:
    assert told(stored_ms=None) == ["Captured", "Received 1.4 s later", "Delivered 100 ms later"]


@pytest.mark.parametrize(
    ("differing", "last"),
    [
        ({"state": "pending", "settled_ms": None}, ["Waits for delivery"]),
        (
            {
                "state": "pending",
                "attempts": 2,
                "first_attempt_ms": NOW - 3000,
                "next_ms": NOW + 500,
            },
            ["Tried in vain 588 ms later", "Waits for its next try 3.5 s later"],
        ),
        ({"state": "dead", "reason": "HTTP 422"}, ["Given up 88 ms later"]),
    ],
    ids=["waits", "tried", "dead"],
)
def test_where_it_is_now(differing: dict[str, Any], last: list[str]) -> None:
    assert told(**differing)[3:] == last


def test_what_is_no_event_is_refused_before_it_is_stored() -> None:
    refused = {"type": "", "state": "dead", "time_source": "arrival", "reason": "why"}
    assert told(**refused) == ["Received", "Refused 0 ms later", "Stored 12 ms later"]


def test_an_event_from_outside_was_asked_for() -> None:
    assert told(caller=Caller(), boot=None, seq=None, time_source="agent")[:2] == [
        "Asked for",
        "Stored 1.4 s later",
    ]


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (1000, "1.0 s"),
        (59_499, "59.5 s"),
        (59_501, "1 min 0 s"),
        (303_000, "5 min 3 s"),
        (7_500_000, "2 h 5 min"),
        (86_399_000, "23 h 59 min"),
        (86_400_000, "1 d 0 h"),
        (2**63 - 1, "106751991167 d 7 h"),
    ],
)
def test_durations(ms: int, text: str) -> None:
    assert duration(ms) == text


def test_times_to_the_millisecond() -> None:
    assert re.fullmatch(
        r'<time datetime="[^"]+\.120[+-]\d\d:\d\d">2026-11-2[123] \d\d:\d0:00\.120</time>',
        precisely(NOW + 120),
    )
    assert precisely(2**62) == f"{2**62} ms"
