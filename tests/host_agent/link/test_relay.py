"""Attempts on their way to a real GuardianKey and verdicts on their way back."""

import asyncio
import hashlib
import logging

import pytest

from host_agent.store import Limits, Store
from tests.host_agent.link.guarded import Guarded, attempt, guarded
from tests.host_agent.waiting import until


@pytest.fixture
def relayed(store, metrics):
    """relayed(conversation, **limits) runs it with an agent that relays within these limits."""

    def relayed(conversation, **limits: float) -> object:
        async def main() -> object:
            async with guarded(store, metrics, **limits) as guard:
                return await conversation(guard)

        return asyncio.run(main())

    return relayed


def count(metrics, response: str) -> float:
    value = metrics.registry.get_sample_value("thingwarden_attempts_total", {"response": response})
    return value or 0


def verdict(number: int, response: str) -> dict[str, object]:
    return {"id": number, "response": response, "retry": False}


def test_a_verdict_comes_back_with_the_ack_and_is_kept(relayed, board, store, press) -> None:
    asked = attempt(7)

    async def conversation(guard: Guarded) -> None:
        reply = await guard.exchange(board, press(1, 1), attempt=asked)
        assert reply == {"ack": [1, 1], "verdict": verdict(7, "ACCEPT")}
        assert guard.taken() == [("/checkaccess", "ann")]

    relayed(conversation)
    (kept,) = store.attempts()
    assert (kept.device, kept.verdict.attempt, kept.verdict.response) == ("door", 7, "ACCEPT")
    assert kept.verdict.digest == hashlib.sha256(f"group|{asked['message']}".encode()).digest()
    assert (kept.verdict.risk, kept.verdict.asked) == (5.0, True)
    assert kept.verdict.event_id and kept.verdict.event_token


def test_every_response_passes(relayed, board) -> None:
    async def conversation(guard: Guarded) -> list[str]:
        return [
            (await guard.exchange(board, attempt=attempt(n, failed=True)))["verdict"]["response"]
            for n in range(4)
        ]

    assert relayed(conversation) == ["ACCEPT", "ACCEPT", "HARD_NOTIFY", "BLOCK"]


def test_a_repeated_attempt_is_answered_from_the_store(relayed, board, metrics) -> None:
    asked = attempt(7)

    async def conversation(guard: Guarded) -> None:
        for _ in range(3):
            reply = await guard.exchange(board, attempt=asked)
            assert reply["verdict"] == verdict(7, "ACCEPT")
        assert len(guard.taken()) == 1

    relayed(conversation)
    assert (count(metrics, "accept"), count(metrics, "repeated")) == (1, 2)


def test_repeats_share_the_call_that_is_under_way(relayed, board) -> None:
    asked = attempt(7)

    async def conversation(guard: Guarded) -> None:
        guard.fault("delay", seconds=0.3)
        frames = [board.seal(attempt=asked) for _ in range(3)]
        answers = await asyncio.gather(*map(guard.sessions.exchange, frames))
        for frame, answer in zip(frames, answers, strict=True):
            board.last = frame.decode()
            assert board.open(answer.frame)["verdict"] == verdict(7, "ACCEPT")
        assert len(guard.taken()) == 1

    relayed(conversation)


def test_a_number_used_again_for_another_message_is_another_attempt(relayed, board, store) -> None:
    async def conversation(guard: Guarded) -> None:
        await guard.exchange(board, attempt=attempt(7, "ann"))
        await guard.exchange(board, attempt=attempt(7, "bob"))
        assert [user for _, user in guard.taken()] == ["ann", "bob"]

    relayed(conversation)
    assert len(store.attempts()) == 2


def test_the_verdict_of_one_group_is_not_that_of_another(relayed, board, store) -> None:
    asked = attempt(7)

    async def conversation(guard: Guarded) -> None:
        await guard.exchange(board, attempt=asked)
        reply = await guard.exchange(board, attempt=asked | {"authGroupId": "nobody"})
        assert reply["verdict"]["response"] == "ERROR"
        assert len(guard.sandbox.guardiankey.refused.after(0)) == 1
        reply = await guard.exchange(board, attempt=asked)
        assert reply["verdict"] == verdict(7, "ACCEPT")
        assert len(guard.taken()) == 1

    relayed(conversation)
    assert [kept.verdict.response for kept in store.attempts()] == ["ERROR", "ACCEPT"]


def test_a_late_attempt_is_sent_for_the_record_and_once(relayed, board) -> None:
    late = attempt(7, ask=False)

    async def conversation(guard: Guarded) -> None:
        for _ in range(2):
            reply = await guard.exchange(board, attempt=late)
            assert reply["verdict"] == verdict(7, "SENT")
        assert guard.taken() == [("/sendevent", "ann")]

    relayed(conversation)


def test_an_attempt_whose_verdict_was_lost_on_the_way_is_not_sent_late(relayed, board) -> None:
    asked = attempt(7)

    async def conversation(guard: Guarded) -> None:
        await guard.exchange(board, attempt=asked)
        reply = await guard.exchange(board, attempt=asked | {"ask": False})
        assert reply["verdict"] == verdict(7, "SENT")
        assert len(guard.taken()) == 1

    relayed(conversation)


@pytest.mark.parametrize(
    "fault", [{"kind": "status", "status": 503}, {"kind": "reset"}, {"kind": "hang"}]
)
def test_what_guardiankey_did_not_take_comes_late(relayed, board, store, metrics, fault) -> None:
    asked = attempt(7)

    async def conversation(guard: Guarded) -> None:
        guard.fault(**fault)
        reply = await guard.exchange(board, attempt=asked)
        assert (reply["verdict"]["response"], reply["verdict"]["retry"]) == ("ERROR", True)
        assert "GuardianKey" in reply["verdict"]["reason"]
        assert guard.relay.failing
        assert store.attempts()[0].verdict.retry
        guard.be_patient()
        late = await guard.exchange(board, attempt=asked | {"ask": False})
        assert late["verdict"] == verdict(7, "SENT")
        assert guard.relay.failing is None
        assert guard.taken() == [("/sendevent", "ann")]

    relayed(conversation, call_s=0.3)
    (kept,) = store.attempts()
    assert (kept.verdict.response, kept.verdict.asked) == ("SENT", False)
    assert (count(metrics, "error"), count(metrics, "sent")) == (1, 1)


def test_what_guardiankey_will_never_take_is_told_so_and_not_asked_again(relayed, board) -> None:
    asked = attempt(7, authGroupId="nobody")

    async def conversation(guard: Guarded) -> None:
        for _ in range(2):
            reply = await guard.exchange(board, attempt=asked)
            assert (reply["verdict"]["response"], reply["verdict"]["retry"]) == ("ERROR", False)
        assert len(guard.sandbox.guardiankey.refused.after(0)) == 1
        assert guard.relay.failing is None

    relayed(conversation)


def test_a_hanging_guardiankey_slows_nobody_else(relayed, board, store, make_board, press) -> None:
    other = make_board("gate", store.add_device("gate", "Lock").key)

    async def conversation(guard: Guarded) -> None:
        guard.fault("hang")
        waiting = asyncio.create_task(guard.exchange(board, attempt=attempt(7)))
        await until(lambda: guard.relay.in_flight)
        for seq in (1, 2, 3):
            assert await guard.exchange(other, press(1, seq)) == {"ack": [1, seq]}
        reply = await guard.exchange(other, attempt=attempt(1))
        assert reply["verdict"] == verdict(1, "ACCEPT")
        assert not waiting.done()
        guard.let_go()
        assert (await waiting)["verdict"]["retry"]

    relayed(conversation)


def test_a_call_goes_on_without_the_board_that_waited_for_it(relayed, board, store) -> None:
    asked = attempt(7)

    async def conversation(guard: Guarded) -> None:
        guard.fault("delay", seconds=0.3)
        waiting = asyncio.create_task(guard.sessions.exchange(board.seal(attempt=asked)))
        await until(lambda: guard.relay.in_flight)
        waiting.cancel()
        await guard.relay.stop()
        reply = await guard.exchange(board, attempt=asked)
        assert reply["verdict"] == verdict(7, "ACCEPT")
        assert len(guard.taken()) == 1

    relayed(conversation)
    assert len(store.attempts()) == 1


@pytest.mark.parametrize("limit", ["max_in_flight", "max_of_a_device"])
def test_attempts_above_the_limit_are_told_at_once(relayed, board, metrics, limit: str) -> None:
    async def conversation(guard: Guarded) -> None:
        guard.fault("hang", count=0)
        first = [
            asyncio.create_task(guard.sessions.exchange(board.seal(attempt=attempt(n))))
            for n in (1, 2)
        ]
        await until(lambda: guard.relay.in_flight == 2)
        reply = await guard.exchange(board, attempt=attempt(3))
        assert reply["verdict"] == {
            "id": 3,
            "response": "ERROR",
            "reason": "too many attempts at a time",
            "retry": True,
        }
        assert not any(task.done() for task in first)
        guard.let_go()
        await asyncio.gather(*first)
        guard.sandbox.guardiankey_faults.clear()
        reply = await guard.exchange(board, attempt=attempt(3))
        assert reply["verdict"] == verdict(3, "ACCEPT")

    relayed(conversation, **{limit: 2})
    assert count(metrics, "busy") == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"message": "AA"}, "message"),
        ({"message": 5}, "message"),
        ({"authGroupId": "a|b"}, "authGroupId"),
        ({"ask": None}, "ask"),
    ],
)
def test_a_bad_attempt_costs_its_frame_nothing(
    relayed, board, store, metrics, press, fields, field: str
) -> None:
    async def conversation(guard: Guarded) -> None:
        reply = await guard.exchange(board, press(1, 1), attempt=attempt(7, **fields))
        assert reply["ack"] == [1, 1]
        assert (reply["verdict"]["response"], reply["verdict"]["retry"]) == ("ERROR", False)
        assert field in reply["verdict"]["reason"]
        assert guard.taken() == []

    relayed(conversation)
    assert len(store.events()) == 1
    assert store.attempts() == []
    assert count(metrics, "malformed") == 1


def test_an_attempt_without_a_number_is_passed_over_and_counted(
    relayed, board, metrics, press
) -> None:
    async def conversation(guard: Guarded) -> None:
        reply = await guard.exchange(board, press(1, 1), attempt=attempt(7) | {"id": "7"})
        assert reply == {"ack": [1, 1]}

    relayed(conversation)
    assert count(metrics, "malformed") == 1


def test_a_frame_that_was_not_accepted_asks_nobody(tmp_path, metrics, make_board, press) -> None:
    async def conversation(store: Store) -> None:
        board = make_board("door", store.add_device("door", "Lock").key)
        async with guarded(store, metrics) as guard:
            refused = await guard.exchange(board, press(1, 1), press(1, 2), attempt=attempt(7))
            assert refused["error"] == "full"
            board.boot = 5
            await guard.exchange(board)
            board.boot = 4
            stale = await guard.exchange(board, attempt=attempt(7))
            assert stale["error"] == "stale"
            assert "verdict" not in refused | stale
            assert guard.taken() == []

    with Store.open(tmp_path / "small.db", Limits(max_events=1)) as store:
        asyncio.run(conversation(store))


def test_a_verdict_that_cannot_be_kept_is_told_all_the_same(
    relayed, board, store, caplog: pytest.LogCaptureFixture
) -> None:
    async def conversation(guard: Guarded) -> None:
        guard.fault("delay", seconds=0.3)
        waiting = asyncio.create_task(guard.exchange(board, attempt=attempt(7)))
        await until(lambda: guard.relay.in_flight)
        store.close()
        assert (await waiting)["verdict"] == verdict(7, "ACCEPT")

    relayed(conversation)
    assert "could not be kept" in caplog.text


def test_a_defect_in_keeping_a_verdict_costs_nobody_the_verdict(
    relayed, board, monkeypatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("host_agent.store.attempts.MAX_ROWS", 1 << 63)  # no SQLite integer

    async def conversation(guard: Guarded) -> None:
        reply = await guard.exchange(board, attempt=attempt(7))
        assert reply["verdict"] == verdict(7, "ACCEPT")
        assert guard.relay.in_flight == 0

    relayed(conversation)
    (told,) = [record for record in caplog.records if "could not be kept" in record.message]
    assert told.exc_info is not None
    assert told.exc_info[0] is OverflowError


def test_no_secret_is_in_the_log(relayed, board, store, caplog: pytest.LogCaptureFixture) -> None:
    asked, bad = attempt(7), attempt(8, authGroupId="nobody")

    async def conversation(guard: Guarded) -> None:
        with caplog.at_level(logging.DEBUG):
            await guard.exchange(board, attempt=asked)
            await guard.exchange(board, attempt=asked)
            await guard.exchange(board, attempt=bad)
            await guard.exchange(board, attempt=attempt(9, message=f"{asked['message']}="))
            guard.fault("reset")
            await guard.exchange(board, attempt=attempt(10))

    relayed(conversation)
    token = store.attempts()[-1].verdict.event_token
    assert token
    assert "attempt 7: ACCEPT" in caplog.text
    for secret in (token, str(asked["message"])[:16]):
        assert secret not in caplog.text
