import asyncio
import logging
from typing import Any

import pytest

from host_agent.link.frames import FrameMalformed, FrameUnauthenticated
from host_agent.link.sessions import Answer, Sessions
from host_agent.metrics import Metrics
from host_agent.store import Store


def exchange(sessions: Sessions, frame: bytes) -> Answer:
    return asyncio.run(sessions.exchange(frame))


def frames(metrics: Metrics, result: str) -> float:
    return metrics.registry.get_sample_value("thingwarden_frames_total", {"result": result}) or 0


@pytest.fixture
def answer(sessions, board):
    """Sends the board's next report; what the reply says."""

    def answer(*events: object, **fields: object) -> dict[str, Any]:
        return board.open(exchange(sessions, board.seal(*events, **fields)).frame)

    return answer


def test_an_ack_covers_what_is_in_the_store(answer, store: Store, press) -> None:
    assert answer() == {"ack": [0, 0]}
    assert answer(press(1, 1), press(1, 2)) == {"ack": [1, 2]}
    assert [(event.boot, event.seq) for event in store.events()] == [(1, 2), (1, 1)]


def test_events_sent_again_are_acked_and_kept_once(answer, store: Store, press) -> None:
    answer(press(1, 1))
    assert answer(press(1, 1), press(1, 2)) == {"ack": [1, 2]}
    assert len(store.events()) == 2


def test_a_bad_event_is_acked_and_becomes_a_dead_letter(answer, store: Store, press) -> None:
    assert answer(press(1, 1, type=None), press(1, 2)) == {"ack": [1, 2]}
    assert [event.seq for event in store.events("dead")] == [1]


def test_a_replayed_frame_is_stale(sessions, board, store: Store, metrics, press) -> None:
    frame = board.seal(press(1, 1))
    exchange(sessions, frame)
    assert board.open(exchange(sessions, frame).frame) == {"error": "stale", "boot": 1}
    assert len(store.events()) == 1
    assert store.device("door").stale_frames == 1
    assert (frames(metrics, "accepted"), frames(metrics, "stale")) == (1, 1)


def test_a_board_goes_on_above_the_boot_it_is_told(answer, board, press) -> None:
    board.boot = 9
    answer(press(9, 1))
    board.boot, board.frame = 3, 0
    board.boot = answer(press(3, 1))["boot"] + 1
    assert answer(press(10, 1)) == {"ack": [10, 1]}


def test_a_malformed_report_gets_a_sealed_refusal_without_ack(answer, metrics) -> None:
    refusal = answer(boot="one")
    assert refusal["error"] == "malformed"
    assert "boot" in refusal["detail"]
    assert "ack" not in refusal
    assert frames(metrics, "malformed") == 1


def test_a_full_store_refuses_and_a_poll_still_passes(
    sessions, answer, board, store: Store, metrics, press
) -> None:
    reply = exchange(sessions, board.seal(*(press(1, seq) for seq in range(6))))
    assert reply.retry_s == 5
    assert board.open(reply.frame) == {"error": "full", "retry_ms": 5000}
    assert store.events() == []
    assert answer() == {"ack": [0, 0]}
    assert frames(metrics, "full") == 1


def test_a_store_that_fails_otherwise_is_unavailable(
    sessions, board, store: Store, metrics, press
) -> None:
    store.close()
    reply = exchange(sessions, board.seal(press(1, 1)))
    assert reply.retry_s == 5
    assert board.open(reply.frame) == {"error": "unavailable", "retry_ms": 5000}
    assert (frames(metrics, "unavailable"), frames(metrics, "full")) == (1, 0)


def test_refusing_is_told_when_it_begins_and_when_it_ends(
    sessions, answer, press, caplog: pytest.LogCaptureFixture
) -> None:
    six = [press(1, seq) for seq in range(1, 7)]
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            answer(*six)
            answer()
        assert "limit" in sessions.refusing or "full" in sessions.refusing
        answer(*six[:5])
    assert sessions.refusing is None
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


def test_a_removed_device_is_a_stranger(sessions, board, store: Store, metrics) -> None:
    store.remove_device("door")
    with pytest.raises(FrameUnauthenticated):
        exchange(sessions, board.seal())
    assert frames(metrics, "unauthenticated") == 1


def test_rubbish_is_malformed(sessions, metrics) -> None:
    with pytest.raises(FrameMalformed):
        exchange(sessions, b"rubbish")
    assert frames(metrics, "malformed") == 1


def test_what_became_of_events_is_counted(answer, metrics, press) -> None:
    answer(press(1, 1), press(1, 2, type=0))
    answer(press(1, 1))
    counts = {
        outcome: metrics.registry.get_sample_value("thingwarden_events_total", {"outcome": outcome})
        for outcome in ("stored", "duplicate", "dead")
    }
    assert counts == {"stored": 1, "duplicate": 1, "dead": 1}


def test_losses_are_told_when_they_grow(answer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        answer(health={"discards": 2})
        answer(health={"discards": 2})
        answer(health={"discards": 5})
    assert [record.getMessage() for record in caplog.records] == [
        "door lost 2 events (discards)",
        "door lost 3 events (discards)",
    ]


def test_two_boards_on_one_key_are_told(
    sessions, board, store: Store, make_board, caplog: pytest.LogCaptureFixture
) -> None:
    twin = make_board(board.device, board.key)

    def live(one) -> None:
        """A board reports, and goes on above the last boot if it is told to."""
        reply = one.open(exchange(sessions, one.seal()).frame)
        if reply.get("error") == "stale":
            one.boot, one.frame = reply["boot"] + 1, 0
            one.open(exchange(sessions, one.seal()).frame)

    for _ in range(4):
        live(board)
        live(twin)
    assert caplog.text.count("two boards seem to use the key of door") == 1
    assert store.device("door").stale_frames >= 3
