"""Handlers of events: what they get, and that nothing they do holds up anything."""

import asyncio
import itertools
import threading
import time
from datetime import UTC, datetime

import pytest

from host_agent.app import DeviceEvent
from host_agent.app.calling import MAX_HANGING, Handler
from host_agent.app.handling import MAX_WAITING


def test_a_handler_gets_what_the_board_reported(agent, running, press, until):
    got = []
    agent.on("buttonState", got.append)

    async def scenario():
        async with running():
            await press("hvac", 7)
            await until(lambda: got)

    asyncio.run(scenario())
    assert got == [
        DeviceEvent(
            device="hvac",
            type="buttonState",
            params={"pressed": True},
            time=datetime(2023, 11, 14, 22, 13, 20, 7000, tzinfo=UTC),
            id="hvac:1:7",
        )
    ]


def test_an_event_is_durable_before_its_handler_is_called(agent, running, press, store, until):
    found = []

    @agent.on("buttonState")
    def handle(event):
        found.append([stored.event_id for stored in store.events()] == [event.id])

    async def scenario():
        async with running():
            await press("hvac", 1)
            await until(lambda: found)

    asyncio.run(scenario())
    assert found == [True]


def test_who_gets_what_and_where_it_runs(agent, running, press, until):
    got = []

    @agent.on("buttonState")
    async def in_the_loop(event):
        got.append(("loop", event.type, threading.current_thread() is loop_thread))

    @agent.on("temperature")
    def in_a_thread(event):
        got.append(("thread", event.type, threading.current_thread() is loop_thread))

    agent.on("*", lambda event: got.append(("any", event.type, None)))
    loop_thread = threading.current_thread()

    async def scenario():
        async with running():
            await press("hvac", 1)
            await press("hvac", 2, kind="temperature")
            await press("hvac", 3, kind="other")
            await until(lambda: len(got) == 5)

    asyncio.run(scenario())
    assert sorted(got, key=str) == [
        ("any", "buttonState", None),
        ("any", "other", None),
        ("any", "temperature", None),
        ("loop", "buttonState", True),
        ("thread", "temperature", False),
    ]


def test_the_order_of_a_device_is_kept_and_others_do_not_wait(agent, running, press, until):
    got, gate = [], threading.Event()

    @agent.on("buttonState")
    def handle(event):
        if event.id == "hvac:1:1":
            gate.wait(60)
        got.append(event.id)

    async def scenario():
        async with running():
            await press("hvac", *range(1, 51))
            await press("gate", 1, 2)
            await until(lambda: len(got) == 2)
            gate.set()
            await until(lambda: len(got) == 52)

    asyncio.run(scenario())
    assert got == ["gate:1:1", "gate:1:2", *(f"hvac:1:{seq}" for seq in range(1, 51))]


def test_a_handler_cannot_change_what_others_get(agent, running, press, store, until):
    got = []

    @agent.on("buttonState")
    def first(event):
        event.params["pressed"] = "never"

    @agent.on("buttonState")
    def second(event):
        time.sleep(0.05)
        got.append(event.params)

    async def scenario():
        announced = []
        store.on_accepted.append(announced.extend)
        async with running() as app:
            await press("hvac", 1)
            await until(lambda: app.count("buttonState", "done") == 2)
        return announced

    (announced,) = asyncio.run(scenario())
    assert (got, announced.params) == ([{"pressed": True}], {"pressed": True})


class Interrupt(BaseException):
    """Of a kind that ends a program."""


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, Interrupt])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_handler_that_raises_is_told_with_its_lines(
    agent, running, press, until, caplog, error, is_async
):
    def inner(event):
        raise error("no\n2026-01-01 00:00:00,000 INFO host_agent forged\x1b[2J" + event.id)

    def sync(event):
        inner(event)

    async def coroutine(event):
        await asyncio.sleep(0)
        inner(event)

    agent.on("buttonState", coroutine if is_async else sync)

    async def scenario():
        async with running() as app:
            await press("hvac", 1, 2)
            await until(lambda: app.count("buttonState", "failed") == 2)

    asyncio.run(scenario())
    text = caplog.records[0].getMessage()
    assert "the handler of buttonState" in text
    assert f"{__file__}" in text and "in inner" in text and "calling.py" not in text
    assert "\x1b" not in text
    assert all(line.startswith("    ") for line in text.splitlines()[1:])


def test_problems_of_a_moment_share_one_message(caplog):
    handler = Handler(print, "the handler of x")
    for _ in range(3):
        handler.tell("failed", "why")
    assert [record.getMessage() for record in caplog.records] == [
        "the handler of x failed\n    why"
    ]


def test_what_a_sync_handler_returns_is_awaited(agent, running, press, until, caplog):
    async def fails():
        raise ValueError("late")

    agent.on("buttonState", lambda _: fails())

    async def scenario():
        async with running() as app:
            await press("hvac", 1)
            await until(lambda: app.count("buttonState", "failed") == 1)

    asyncio.run(scenario())
    assert "ValueError: late" in caplog.text


def test_a_coroutine_that_hangs_is_cancelled_and_told_where(agent, running, press, until, caplog):
    cancelled = []

    async def deep():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    @agent.on("buttonState")
    async def handle(_):
        await deep()

    async def scenario():
        async with running(handler_s=0.05) as app:
            await press("hvac", 1, 2)
            await until(lambda: app.count("buttonState", "hung") == 2)

    asyncio.run(scenario())
    assert cancelled == [True, True]
    assert "did not return in 0.05 s" in caplog.text
    assert "in deep" in caplog.text and "asyncio.sleep(3600)" in caplog.text


def test_a_thread_that_hangs_is_left_alone_and_told_where(agent, running, press, until, caplog):
    gate = threading.Event()

    @agent.on("buttonState")
    def handle(_):
        gate.wait(60)

    async def scenario():
        async with running(handler_s=0.05) as app:
            await press("hvac", 1, 2)
            await until(lambda: app.count("buttonState", "hung") == 2)

    asyncio.run(scenario())
    gate.set()
    assert "gate.wait(60)" in caplog.text


def test_threads_that_hang_are_bounded(agent, running, press, until):
    gate = threading.Event()

    @agent.on("buttonState")
    def handle(_):
        gate.wait(60)

    async def scenario():
        async with running(handler_s=0.001) as app:
            await press("hvac", *range(1, MAX_HANGING + 4))
            await until(lambda: app.count("buttonState", "dropped") == 3)
            assert app.count("buttonState", "hung") == MAX_HANGING
            gate.set()
            seqs = itertools.count(1000)
            while not app.count("buttonState", "done"):
                await press("hvac", next(seqs))
                await asyncio.sleep(0.01)

    asyncio.run(scenario())


def test_what_a_slow_handler_cannot_take_is_dropped_and_told(
    agent, running, press, until, caplog, store
):
    gate = threading.Event()
    got = []

    @agent.on("buttonState")
    def handle(event):
        gate.wait(60)
        got.append(event.id)

    async def scenario():
        async with running() as app:
            for start in range(1, MAX_WAITING + 100, 100):
                await press("hvac", *range(start, start + 100))
            assert app.count("buttonState", "dropped") == 100
            gate.set()
            await until(lambda: len(got) == MAX_WAITING)

    asyncio.run(scenario())
    assert f"{MAX_WAITING} events wait for it already" in caplog.text
    assert store.stats().pending == MAX_WAITING + 100, "all of them are for SecuriThings"


def test_a_stop_lets_handlers_finish_and_tells_what_it_drops(agent, running, press, caplog):
    got = []

    @agent.on("buttonState")
    async def handle(event):
        await asyncio.sleep(0.05)
        got.append(event.id)

    @agent.on("other")
    async def hang(_):
        await asyncio.sleep(3600)

    async def scenario():
        async with running(drain_s=3) as app:
            await press("hvac", 1, 2)
            await press("hvac", 3, 4, kind="other")
        return app.count("other", "dropped")

    assert asyncio.run(scenario()) == 2
    assert got == ["hvac:1:1", "hvac:1:2"]
    assert "2 events are not given to it" in caplog.text


def test_its_own_external_events_do_not_come_back(agent, running, press, until):
    got = []

    @agent.on("*")
    async def handle(event):
        got.append(event.type)
        external = agent.create_external_event("buttonState", None, event.device)
        await agent.send_event(external)

    async def scenario():
        async with running() as app:
            await press("hvac", 1)
            await press("hvac", 2)
            await until(lambda: app.count("*", "done") == 2)

    asyncio.run(scenario())
    assert got == ["buttonState", "buttonState"]
