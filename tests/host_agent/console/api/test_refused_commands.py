"""A program's request for a command that is refused becomes an event too, in bounded number."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from host_agent.clock import now_ms
from host_agent.console.api.commands import MAX_BODY_BYTES
from host_agent.console.parts import ConsoleParts
from host_agent.console.refused_requests import BURST, REFILL_S, RefusedRequests
from host_agent.store import Caller, ExternalEvent, Limits, Store, StoredEvent
from host_agent.tokens import new_token
from tests.host_agent.clock import Clock
from tests.host_agent.console.api.program import POWER, Program, told
from tests.host_agent.waiting import eventually

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def refused(parts) -> Callable[[str], float]:
    """refused(result) is how many were `recorded`, `limited` or `lost` so far."""
    return lambda result: count_of(parts, result)


def count_of(parts: ConsoleParts, result: str) -> float:
    name = "thingwarden_refused_requests_total"
    return parts.metrics.registry.get_sample_value(name, {"result": result}) or 0


def only_event(store: Store) -> StoredEvent:
    """It is recorded once the answer is on its way."""
    eventually(store.events, "the refusal is recorded")
    (event,) = store.events()
    return event


@pytest.mark.parametrize(
    ("scope", "body", "refusal"),
    [
        ("read", {"json": {"value": True}}, (403, "forbidden")),
        ("commands:door:blink", {"data": b"no JSON"}, (403, "forbidden")),
        ("commands:door", {"data": b'{"value": {}}', "headers": JSON}, (400, "malformed")),
        ("commands:door", {"data": b'{"colour": "red"}', "headers": JSON}, (400, "malformed")),
        ("commands:door", {"data": {"value": "on"}}, (415, "not_json")),
        ("commands:door", {"data": b" " * (MAX_BODY_BYTES + 1)}, (413, "too_large")),
    ],
    ids=["no scope", "other scope", "value", "field", "form", "large"],
)
def test_who_tried_is_told(
    program, store, scope: str, body: dict[str, Any], refusal: tuple[int, str]
) -> None:
    asking = program(scope)
    asking.headers["User-Agent"] = "planner/2.0"
    assert told(asking.post(POWER, **body)) == refusal
    event = only_event(store)
    assert (event.type, event.device, event.params) == ("power", "door", {"refused": refusal[1]})
    (token,) = store.people.tokens()
    assert event.caller == Caller("127.0.0.1", "planner/2.0", "planner", None, token.id)
    assert store.commands.list() == []


def test_whom_it_was_for_is_told_if_the_body_is_good(program, store) -> None:
    for _ in range(64):
        store.commands.add("door", "blink")
    answer = program("commands").post(POWER, json={"user": "ann", "session": "s-1", "value": 5})
    assert told(answer) == (409, "too_many_open")
    event = only_event(store)
    assert event.params == {"refused": "too_many_open"}
    assert event.caller is not None
    assert (event.caller.user_id, event.caller.session_id) == ("ann", "s-1")


def test_no_answer_tells_which_devices_there_are(program, store, refused) -> None:
    asking = program("commands:window")
    missing, there = asking.post("/devices/nowhere/commands/power"), asking.post(POWER)
    assert told(there) == told(missing) == (403, "forbidden")
    assert there.content == missing.content and there.headers == missing.headers
    assert only_event(store).device == "door"
    eventually(lambda: refused("recorded"), "the refusal is counted")
    assert (refused("recorded"), refused("lost")) == (1, 0)


def test_what_is_no_command_of_a_device_is_no_event(console, program, store) -> None:
    asking, reading = program(), program("read")
    Program(console.url).post(POWER)
    Program(console.url, "tw_0123456789ab_" + "A" * 43).post(POWER)
    asking.post("/devices/nowhere/commands/power", data=b"{", headers=JSON)
    for name in ("1st", "a" * 65, "%00", "<b>"):
        asking.post(f"/devices/door/commands/{name}")
        reading.post(f"/devices/door/commands/{name}")
    reading.put(POWER)
    reading.post("/devices/door/commands/last")
    assert only_event(store).type == "last"


def test_a_full_store_refuses_as_before_and_keeps_nothing(tmp_path, run_console, refused) -> None:
    with Store.open(tmp_path / "full.db", Limits(1, 1 << 20)) as store:
        store.add_device("door", "Lock")
        token, text = new_token("planner", ["commands:door:power"], None, now_ms())
        store.people.add_token(token)
        asking = Program(run_console(store=store).url, text)
        assert asking.post(POWER).status_code == 202
        assert told(asking.post(POWER)) == (503, "full")
        assert told(asking.post("/devices/door/commands/blink")) == (403, "forbidden")
        eventually(lambda: refused("lost"), "the refusal is counted")
        assert [event.type for event in store.events()] == ["power"]
    assert refused("recorded") == 0


class Trying:
    """Who is refused, as often as a test says; `clock` is that of the limit."""

    def __init__(self, parts: ConsoleParts) -> None:
        self.clock = Clock()
        self._refused = RefusedRequests(parts.store, parts.metrics, self.clock)

    def times(self, number: int, caller: Caller) -> None:
        async def trying() -> None:
            for _ in range(number):
                params = (("refused", "forbidden"),)
                event = ExternalEvent("door", "power", params, now_ms(), caller)
                await self._refused.record(event)

        asyncio.run(trying())


@pytest.fixture
def trying(parts, store) -> Trying:  # noqa: ARG001 (there must be a door)
    return Trying(parts)


def test_a_flood_is_counted_but_fills_no_store(trying, store, refused) -> None:
    token = "0123456789ab"
    trying.times(BURST, Caller(user_id="ann", api_key_id=token))
    trying.times(90, Caller("203.0.113.9", user_id="another name", api_key_id=token))
    assert (refused("recorded"), refused("limited")) == (BURST, 90)
    assert len(store.events()) == BURST
    trying.clock.now += REFILL_S
    trying.times(2, Caller(api_key_id=token))
    assert (refused("recorded"), refused("limited")) == (BURST + 1, 91)


def test_a_flood_hides_nobody_else(trying, refused) -> None:
    trying.times(BURST + 1, Caller(user_id="ann", session_id="s-1"))
    trying.times(1, Caller(user_id="ann", session_id="s-2"))
    assert refused("limited") == 2
    trying.times(1, Caller(user_id="bob"))
    trying.times(1, Caller(user_id="ann", api_key_id="0123456789ab"))
    assert (refused("recorded"), refused("limited")) == (BURST + 2, 2)
