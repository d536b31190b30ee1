"""Verdicts and notifications: kept, found again, and bounded whatever comes."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from host_agent.store import AttemptVerdict, Store, StoredNotification, attempts, notifications

VERDICT = AttemptVerdict(
    attempt=7,
    digest=b"d" * 32,
    response="HARD_NOTIFY",
    reason="",
    retry=False,
    risk=75.5,
    event_id="e-1",
    event_token="t-1",
    asked=True,
    received_ms=1_700_000_000_000,
    took_ms=12,
)
NOTIFICATION = StoredNotification(
    event_id="e-1",
    auth_group_id="g",
    user="ann",
    response="BLOCK",
    risk=95.0,
    service="door",
    client_ip="10.0.0.7",
    generated_ms=1_700_000_000_000,
    received_ms=1_700_000_000_500,
    raw='{"userName":"ann"}',
)


def record(store, *verdicts, device="door"):
    async def all_of_them():
        for verdict in verdicts:
            await store.record_verdict(device, verdict)

    asyncio.run(all_of_them())


def notify(store, *notifications_):
    async def all_of_them():
        return [await store.record_notification(one) for one in notifications_]

    return asyncio.run(all_of_them())


def test_a_verdict_is_found_again_after_a_restart(path):
    with Store.open(path) as store:
        record(store, VERDICT)
    with Store.open(path) as store:
        assert store.verdict("door", 7, b"d" * 32) == VERDICT


@pytest.mark.parametrize(
    ("device", "attempt", "digest"),
    [("gate", 7, b"d" * 32), ("door", 8, b"d" * 32), ("door", 7, b"e" * 32)],
)
def test_it_is_of_one_device_one_number_and_one_message(store, device, attempt, digest):
    record(store, VERDICT)
    assert store.verdict(device, attempt, digest) is None


def test_the_last_outcome_of_a_message_counts(store):
    failed = replace(VERDICT, response="ERROR", reason="no answer", retry=True, risk=None)
    late = replace(VERDICT, response="SENT", asked=False, received_ms=1_700_000_060_000)
    record(store, failed)
    assert store.verdict("door", 7, b"d" * 32) == failed
    record(store, late)
    assert store.verdict("door", 7, b"d" * 32) == late
    assert [found.verdict for found in store.attempts()] == [late]


def test_attempts_are_listed_newest_first_and_by_device(store):
    record(store, *(replace(VERDICT, attempt=number) for number in (1, 2, 3)))
    record(store, replace(VERDICT, attempt=9), device="gate")
    assert [(one.device, one.verdict.attempt) for one in store.attempts(limit=3)] == [
        ("gate", 9),
        ("door", 3),
        ("door", 2),
    ]
    assert [one.verdict.attempt for one in store.attempts("door")] == [3, 2, 1]


def test_a_token_does_not_show_in_a_repr():
    assert "t-1" not in repr(VERDICT)


def test_a_board_that_makes_attempts_without_end_fills_no_disk(path, monkeypatch):
    monkeypatch.setattr(attempts, "MAX_ROWS", 10)
    with Store.open(path) as store:
        record(store, VERDICT, device="other")
        record(store, *(replace(VERDICT, attempt=number) for number in range(25)))
        record(store, replace(VERDICT, attempt=24, reason="again"))
        kept = [one.verdict.attempt for one in store.attempts("door")]
        assert kept == list(range(24, 14, -1))
        assert store.attempts("other"), "another board's attempts stay"


def test_an_endless_event_id_is_not_kept(store):
    record(store, replace(VERDICT, event_id="e" * 1_000_000))
    (kept,) = store.attempts()
    assert (kept.verdict.response, kept.verdict.event_id) == ("HARD_NOTIFY", "")


def test_the_token_of_an_event_is_found_wherever_it_came_from(store):
    record(store, VERDICT)
    notify(store, replace(NOTIFICATION, event_id="e-2", raw='{"event_token":"t-2"}'))
    notify(store, replace(NOTIFICATION, event_id="e-3", raw=""))
    tokens = [store.event_token(f"e-{number}") for number in range(1, 5)]
    assert tokens == ["t-1", "t-2", None, None]


def test_a_notification_is_taken_once(path):
    with Store.open(path) as store:
        assert notify(store, NOTIFICATION, NOTIFICATION) == [[], None]
    with Store.open(path) as store:
        assert notify(store, replace(NOTIFICATION, user="eve")) == [None]
        assert store.notifications() == [NOTIFICATION]


def test_notifications_are_listed_newest_first(store):
    notify(store, *(replace(NOTIFICATION, event_id=f"e-{number}") for number in range(5)))
    assert [one.event_id for one in store.notifications(2)] == ["e-4", "e-3"]


def test_a_notification_without_a_number_for_the_risk(store):
    notify(store, replace(NOTIFICATION, risk=None))
    assert store.notifications()[0].risk is None


def test_a_flood_of_notifications_fills_no_disk(path, monkeypatch):
    monkeypatch.setattr(notifications, "MAX_ROWS", 10)
    monkeypatch.setattr(notifications, "MAX_RAW", 100)
    with Store.open(path) as store:
        huge = replace(NOTIFICATION, user="x" * 100_000, raw='"' + "x" * 99 + '"')
        answers = notify(store, *(replace(huge, event_id=f"e-{number}") for number in range(25)))
        assert answers == [[]] * 25
        kept = store.notifications()
        assert [one.event_id for one in kept] == [f"e-{number}" for number in range(24, 14, -1)]
        assert {one.user for one in kept} == {"x" * notifications.MAX_TEXT}
        assert {one.raw for one in kept} == {""}, "half of a JSON text would be none"


def test_what_is_old_is_purged(path):
    with Store.open(path) as store:
        record(store, *(replace(VERDICT, attempt=n, received_ms=n) for n in range(2500)))
        notify(
            store,
            *(replace(NOTIFICATION, event_id=f"{n}", received_ms=n) for n in (1, 2499, 2500)),
        )
        assert asyncio.run(store.purge_guardiankey(2499)) == 2499 + 1
        assert [one.verdict.attempt for one in store.attempts()] == [2499]
        assert [one.received_ms for one in store.notifications()] == [2500, 2499]
    with closing(sqlite3.connect(path)) as connection:
        plan = connection.execute(
            "EXPLAIN QUERY PLAN SELECT id FROM attempts WHERE received_ms < 5 LIMIT 5"
        ).fetchall()
        assert "attempts_received" in str(plan), "a purge must not read all of the table"


def test_text_that_cannot_be_stored_leaves_the_others_of_its_commit_alone(store, board):
    async def all_of_them():
        return await asyncio.gather(
            store.record_verdict("door", replace(VERDICT, reason="\ud800")),
            store.record_notification(replace(NOTIFICATION, user="\ud800")),
            store.record_notification(replace(NOTIFICATION, generated_ms=2**70)),
            store.accept(board.report(1)),
            return_exceptions=True,
        )

    bad, worse, too_large, accepted = asyncio.run(all_of_them())
    assert isinstance(bad, UnicodeError) and isinstance(worse, UnicodeError)
    assert isinstance(too_large, OverflowError)
    assert accepted.ack == (1, 1)
    assert store.attempts() == []
