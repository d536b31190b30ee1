import asyncio
import json
from pathlib import Path

import pytest

from host_agent.store import (
    BadEvent,
    Caller,
    CapturedEvent,
    Dead,
    ExternalEvent,
    Report,
    Store,
)
from tests.host_agent.store.file import alter


@pytest.fixture
def with_events(ready, tmp_path: Path):
    """door: one event pending, one dead after delivery, one unreadable."""

    async def fill(store: Store) -> None:
        device = store.device("door")
        events = (
            CapturedEvent(1, 1, "open", {"by": "[red]anna\x1b[2J"}, 1_700_000_000_000, "board"),
            CapturedEvent(1, 2, "shut", {}, 1_700_000_000_000, "board"),
            BadEvent(1, 3, '{"id":[1,3]}', "type is missing"),
        )
        await store.accept(Report("door", device.key, 1, 1, 1_700_000_000_000, events))
        await store.settle([Dead(store.pending("door", 0, 1)[0].id, "400 no such device")])

    with Store.open(tmp_path / "thingwarden.db") as store:
        asyncio.run(fill(store))
    return ready


def listed(warden, *arguments: object) -> list[dict[str, object]]:
    return json.loads(warden("events", "list", "--json", *arguments).out)


def test_params_damaged_in_the_store_are_shown_as_they_are(with_events, tmp_path: Path) -> None:
    alter(tmp_path / "thingwarden.db", "UPDATE events SET params = '{x' WHERE seq = 2")
    assert "{x" in with_events("events", "list").out
    assert [event["raw"] for event in listed(with_events)] == ['{"id":[1,3]}', "{x", ""]


def test_an_external_event_is_listed_with_who_caused_it(ready, tmp_path: Path) -> None:
    callers = (Caller(user_id="ann\x1b[2J", source_ip="192.0.2.7"), Caller("192.0.2.8"), Caller())
    with Store.open(tmp_path / "thingwarden.db") as store:
        for caller in callers:
            event = ExternalEvent("door", "power", (("state", "on"),), 1_700_000_000_000, caller)
            asyncio.run(store.add_external(event))
    rows = ready("events", "list").out.splitlines()[1:]
    assert all("agent" in row and "state=on" in row for row in rows)
    for by, row in zip(("somebody", "192.0.2.8", "ann"), rows, strict=True):
        assert by in row
    assert "\x1b" not in "".join(rows)
    newest, _, oldest = listed(ready)
    assert newest["event_id"].startswith("door:x:")
    assert (newest["boot"], newest["seq"]) == (None, None)
    assert (oldest["caller"]["user_id"], oldest["caller"]["session_id"]) == ("ann\x1b[2J", None)


def test_events_are_listed_newest_first(with_events) -> None:
    assert [(event["seq"], event["state"]) for event in listed(with_events)] == [
        (3, "dead"),
        (2, "pending"),
        (1, "dead"),
    ]
    table = with_events("events", "list").out
    assert "400 no such device" in table
    assert "type is missing" in table


def test_the_list_can_be_narrowed(with_events) -> None:
    assert [event["seq"] for event in listed(with_events, "--state", "pending")] == [2]
    assert [event["seq"] for event in listed(with_events, "--limit", 1)] == [3]
    assert listed(with_events, "--device", "other") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--state", "lost"],
        ["--limit", "0"],
        ["--limit", "x"],
        ["--limit", "99999999999999999999"],
        ["--device", "\udcff"],
    ],
)
def test_a_wrong_filter_is_refused(with_events, arguments: list[str]) -> None:
    assert with_events("events", "list", *arguments).code == 2


def test_what_a_device_sent_cannot_command_the_terminal(with_events) -> None:
    table = with_events("events", "list").out
    assert "by=[red]anna\\x1b[2J" in table
    assert "\x1b" not in table


def test_dead_letters_are_retried_by_id(with_events) -> None:
    dead = [event["id"] for event in listed(with_events) if event["seq"] == 1]
    outcome = with_events("events", "retry", *dead)
    assert (outcome.code, outcome.out[0]) == (0, "1")
    assert [event["seq"] for event in listed(with_events, "--state", "pending")] == [2, 1]


def test_all_dead_letters_that_can_be_read_are_retried(with_events) -> None:
    assert with_events("events", "retry", "--all", "--device", "other").out[0] == "0"
    assert with_events("events", "retry", "--all").out[0] == "1"


@pytest.mark.parametrize(
    "arguments", [[], ["--all", "1"], ["one"], ["--all", "--device", "\udcff"]]
)
def test_what_to_retry_must_be_clear(with_events, arguments: list[str]) -> None:
    assert with_events("events", "retry", *arguments).code == 2
