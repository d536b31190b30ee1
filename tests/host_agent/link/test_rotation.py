"""A board whose key is rotated, frame by frame."""

import asyncio

import pytest

from host_agent.link import frames
from host_agent.link.frames import FrameUnauthenticated, open_report, seal_report
from host_agent.link.sessions import Sessions
from host_agent.store import Store

OLD, NEXT, OTHER = (bytes([number]) * 32 for number in (1, 2, 3))


@pytest.fixture
def answer(sessions: Sessions, board):
    def answer(*events: object, **fields: object):
        return board.open(asyncio.run(sessions.exchange(board.seal(*events, **fields))).frame)

    return answer


def test_a_reply_is_sealed_with_the_key_that_opened_its_frame(
    answer, board, store: Store, press
) -> None:
    assert answer(press(1, 1)) == {"ack": [1, 1]}
    next_key = store.rotate_device("door").next_key
    assert answer(press(1, 2)) == {"ack": [1, 2]}, "under the old key"
    old, board.key = board.key, next_key
    assert answer(boot=0, frame=0)["error"] == "malformed"
    assert answer(press(1, 3), frame=1) == {"error": "stale", "boot": 1}
    assert len(store.device("door").keys) == 2
    assert answer(press(1, 2), press(1, 3)) == {"ack": [1, 3]}, "nothing lost, nothing doubled"
    assert len(store.events()) == 3
    board.key = old
    with pytest.raises(FrameUnauthenticated):
        answer(press(1, 4))


def test_the_key_that_opened_a_report_is_told() -> None:
    for key in (OLD, NEXT):
        frame = seal_report("door", key, b"{}").encode()
        assert open_report(frame, lambda _: (OLD, NEXT)).key == key


@pytest.mark.parametrize("keys", [(), (OLD,), (OLD, NEXT)])
def test_a_refusal_costs_two_tries_whoever_it_is(keys, monkeypatch) -> None:
    tries = []

    def counted(frame: bytes, key: bytes) -> bytes:
        tries.append(key)
        return decrypt(frame, key)

    decrypt = frames._decrypt
    monkeypatch.setattr(frames, "_decrypt", counted)
    with pytest.raises(FrameUnauthenticated) as refusal:
        open_report(seal_report("door", OTHER, b"{}").encode(), lambda _: keys)
    assert (len(tries), tries[: len(keys)]) == (2, list(keys))
    assert str(refusal.value) == "unknown device, or not sealed with its key"
