import asyncio
import json
from pathlib import Path

import pytest

from host_agent.store import AttemptVerdict, Store, StoredNotification

NOW = 1_700_000_000_000
EVENT = "0123456789abcdef" * 4


@pytest.fixture
def judged(ready, tmp_path: Path):
    """One attempt that was blocked, one that got no verdict, and the notification of the first."""

    async def fill(store: Store) -> None:
        blocked = AttemptVerdict(
            attempt=7,
            digest=bytes(32),
            response="BLOCK",
            risk=91.0,
            event_id=EVENT,
            event_token="a secret token",
            received_ms=NOW,
            took_ms=120,
        )
        late = AttemptVerdict(
            attempt=8,
            digest=bytes(range(32)),
            response="ERROR",
            reason="GuardianKey did not answer in time",
            retry=True,
            received_ms=NOW + 5_000,
            took_ms=3_000,
        )
        await store.record_verdict("door", blocked)
        await store.record_verdict("other", late)
        notification = StoredNotification(
            event_id=EVENT,
            auth_group_id="group-1",
            user="[red]anna\x1b[2J",
            response="BLOCK",
            risk=91.0,
            service="front-door",
            client_ip="192.0.2.7",
            generated_ms=NOW,
            received_ms=NOW + 1_000,
            raw='{"event_token": "a secret token"}',
        )
        await store.record_notification(notification)

    with Store.open(tmp_path / "thingwarden.db") as store:
        asyncio.run(fill(store))
    return ready


def listed(warden, *arguments: object) -> list[dict[str, object]]:
    return json.loads(warden(*arguments, "--json").out)


def test_notifications_are_listed(judged) -> None:
    assert listed(judged, "notifications", "list") == [
        {
            "time_ms": NOW,
            "received_ms": NOW + 1_000,
            "user": "[red]anna\x1b[2J",
            "verdict": "BLOCK",
            "risk": 91.0,
            "service": "front-door",
            "client_ip": "192.0.2.7",
            "event_id": EVENT,
        }
    ]
    table = judged("notifications", "list").out
    assert "[red]anna\\x1b[2J  BLOCK    91.0  front-door  192.0.2.7  0123456789ab" in table
    assert "2023-11-1" in table
    assert "\x1b" not in table


def test_attempts_are_listed_newest_first(judged) -> None:
    found = listed(judged, "attempts", "list")
    assert [attempt["attempt"] for attempt in found] == [8, 7]
    assert found[1] == {
        "received_ms": NOW,
        "device": "door",
        "attempt": 7,
        "verdict": "BLOCK",
        "risk": 91.0,
        "reason": "",
        "event_id": EVENT,
        "took_ms": 120,
    }
    table = judged("attempts", "list").out
    assert "GuardianKey did not answer in time" in table
    assert table.index(" 8 ") < table.index(" 7 ")


def test_attempts_of_one_device(judged) -> None:
    found = listed(judged, "attempts", "list", "--device", "door")
    assert [attempt["attempt"] for attempt in found] == [7]
    assert len(listed(judged, "attempts", "list", "--limit", 1)) == 1
    assert listed(judged, "attempts", "list", "--device", "nobody") == []


@pytest.mark.parametrize("command", ["notifications", "attempts"])
def test_a_table_shows_how_the_id_starts_and_its_help_says_where_all_of_it_is(
    judged, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    table = judged(command, "list").out
    assert "0123456789ab" in table.split()
    assert EVENT[:13] not in table
    assert "--json shows the whole id" in " ".join(judged(command, "list", "--help").out.split())


def test_no_list_shows_a_token_or_a_digest(judged) -> None:
    for command in (("notifications", "list"), ("attempts", "list")):
        shown = judged(*command).out + judged(*command, "--json").out
        assert "token" not in shown
        assert bytes(range(32)).hex()[:16] not in shown


def test_empty_lists_are_lists(ready) -> None:
    assert listed(ready, "notifications", "list") == []
    assert listed(ready, "attempts", "list") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["notifications", "list", "--limit", "0"],
        ["notifications", "list", "--device", "door"],
        ["attempts", "list", "--limit", "x"],
        ["attempts", "list", "--device", "\udcff"],
    ],
)
def test_a_wrong_filter_is_refused(judged, arguments: list[str]) -> None:
    assert judged(*arguments).code == 2
