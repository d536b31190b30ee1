"""Events travel from the store to the cloud: each at least once, in order per device."""

import asyncio
import logging

import msgspec
from aiohttp import web

from host_agent.metrics import Metrics
from host_agent.store import Dead, Delivered, Store
from tools import sandbox as sandboxes


def ids(device, seqs):
    return [f"{device}:1:{seq}" for seq in seqs]


def test_an_event_arrives_as_securithings_wants_it(store, press, delivering, until):
    async def scenario():
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            await press("door", 7, params={"pressed": True, "temperature": 21.5, "by": "é"})
            await until(lambda: store.stats().delivered)
            return [msgspec.json.decode(event.body) for event in sandbox.inbox.after(0)]

    assert asyncio.run(scenario()) == [
        {
            "TYPE": "buttonState",
            "SOURCE": "DEVICE",
            "DEVICE_ID": "door",
            "DEVICE_TYPE": "lock",
            "SOURCE_GROUP_ID": "hq",
            "EXT_EVT_ID": "door:1:7",
            "TIME": "1007",
            "PARAMS": [
                {"NAME": "pressed", "VALUE": "true"},
                {"NAME": "temperature", "VALUE": "21.5"},
                {"NAME": "by", "VALUE": "é"},
            ],
        }
    ]


def test_a_device_without_a_group_sends_none(store, press, delivering, until):
    store.add_device("door", "lock")

    async def scenario():
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            await press("door", 1)
            await until(lambda: store.stats().delivered)
            return msgspec.json.decode(sandbox.inbox.after(0)[0].body)

    assert "SOURCE_GROUP_ID" not in asyncio.run(scenario())


def test_what_waited_is_delivered_at_start_and_in_order(store, press, delivering, until, received):
    async def scenario():
        for start in range(1, 1000, 250):
            await press("door", *range(start, start + 250))
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            await press("door", *range(1001, 1200))
            await until(lambda: store.stats().pending == 0)
            return received(sandbox)

    assert asyncio.run(scenario()) == ids("door", range(1, 1200))


def test_a_burst_larger_than_a_lane_is_delivered_in_order(
    store, press, delivering, until, received
):
    async def scenario():
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            for seq in range(1, 301):
                await press("door", seq)
            await until(lambda: store.stats().pending == 0)
            return received(sandbox)

    assert asyncio.run(scenario()) == ids("door", range(1, 301))


def test_a_failing_event_keeps_its_place(store, press, delivering, until, received, fail):
    async def scenario():
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            fail(sandbox, kind="status", status=503, count=2)
            fail(sandbox, kind="reset", count=2)
            await press("door", 1, 2, 3)
            await until(lambda: store.stats().delivered == 3)
            return received(sandbox)

    assert asyncio.run(scenario()) == ids("door", [1, 2, 3])


def test_an_event_whose_answer_was_lost_is_sent_again_under_the_same_id(
    store, press, delivering, until, received, fail
):
    async def scenario():
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            fail(sandbox, kind="reset_after_store")
            await press("door", 1, 2)
            await until(lambda: store.stats().delivered == 2)
            return received(sandbox)

    assert asyncio.run(scenario()) == ids("door", [1, 1, 2])


def test_an_endpoint_that_hangs_is_left_in_time(store, press, delivering, until, received, fail):
    async def scenario():
        async with sandboxes.running() as sandbox, delivering(sandbox.url, timeout_s=0.5):
            fail(sandbox, kind="hang")
            await press("door", 1)
            await until(lambda: store.stats().delivered)
            return received(sandbox)

    # Once, unless this machine was too busy for the second attempt.
    assert set(asyncio.run(scenario())) == set(ids("door", [1]))
    assert store.events()[0].attempts >= 1


def test_one_device_at_a_time_has_one_request_and_all_together_many(
    store, press, delivering, until, cloud
):
    """Four devices' first events wait for their answers while the fifth device's are delivered; no
    device's second event overtakes its first."""
    slow = {"a", "b", "c", "d"}
    answered = asyncio.Event()

    async def answer(body):
        if body["DEVICE_ID"] in slow:
            await answered.wait()
        return web.Response()

    async def scenario():
        async with cloud(answer) as here, delivering(here.url):
            for device in slow:
                await press(device, 1, 2)
            await until(lambda: len(here.bodies) == 4)
            await press("e", 1, 2)
            await until(lambda: store.stats().delivered == 2)
            assert len(here.bodies) == 6
            answered.set()
            await until(lambda: store.stats().pending == 0)
            return [body["EXT_EVT_ID"] for body in here.bodies]

    order = asyncio.run(scenario())
    assert set(order[:4]) == {f"{device}:1:1" for device in slow}
    assert order[4:6] == ids("e", [1, 2])
    assert set(order[6:]) == {f"{device}:1:2" for device in slow}


def test_a_backlog_of_one_device_does_not_hold_up_another(
    store, press, delivering, until, received
):
    async def scenario():
        await press("door", *range(1, 251))
        async with sandboxes.running() as sandbox, delivering(sandbox.url, concurrency=1):
            await until(lambda: received(sandbox))
            await press("gate", 1)
            await until(lambda: store.stats().pending == 0)
            return received(sandbox)

    order = asyncio.run(scenario())
    assert order.index("gate:1:1") < order.index("door:1:250")


def test_an_event_that_cannot_be_sent_becomes_a_dead_letter(
    store, press, delivering, until, received
):
    async def scenario():
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            await press("door", 1, params={"levels": [1, 2]})
            await press("door", 2)
            await until(lambda: store.stats().pending == 0)
            return received(sandbox)

    assert asyncio.run(scenario()) == ids("door", [2])
    (letter,) = store.events(state="dead")
    assert letter.reason.startswith("cannot be sent: ")


def test_dead_letters_that_are_retried_are_delivered(store, press, delivering, until, received):
    async def scenario():
        await press("door", 1, 2)
        await store.settle([Dead(event.id, "no") for event in store.pending("door", 0, 10)])
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            store.retry_dead()
            await until(lambda: store.stats().delivered == 2)
            return received(sandbox)

    assert asyncio.run(scenario()) == ids("door", [1, 2])


def test_dead_letters_retried_on_the_command_line_are_delivered(
    store, tmp_path, press, delivering, until, received
):
    def on_the_command_line():
        with Store.open(tmp_path / "agent.db") as other:
            other.retry_dead()

    async def scenario():
        await press("door", 1)
        await store.settle([Dead(store.pending("door", 0, 1)[0].id, "no")])
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            await press("gate", 1)
            await until(lambda: store.stats().delivered == 1)
            await asyncio.to_thread(on_the_command_line)
            await until(lambda: store.stats().delivered == 2)
            return received(sandbox)

    assert asyncio.run(scenario()) == ["gate:1:1", "door:1:1"]


def test_stopping_lets_a_request_finish_and_starts_no_more(
    store, press, delivering, until, received, fail
):
    async def scenario():
        async with sandboxes.running() as sandbox:
            fail(sandbox, kind="delay", seconds=0.3)
            async with delivering(sandbox.url):
                await press("door", 1, 2)
                await until(lambda: not sandbox.faults.pending())
            return received(sandbox)

    assert asyncio.run(scenario()) == ids("door", [1])
    assert [(event.seq, event.state) for event in store.events()] == [
        (2, "pending"),
        (1, "delivered"),
    ]


def test_a_request_that_does_not_finish_in_time_is_given_up_on_stopping(
    store, press, delivering, until, fail
):
    async def scenario():
        async with sandboxes.running() as sandbox, delivering(sandbox.url) as delivery:
            fail(sandbox, kind="hang")
            await press("door", 1)
            await until(lambda: not sandbox.faults.pending())
            await delivery.stop(drain_s=0.05)

    asyncio.run(scenario())
    assert store.stats().pending == 1


def test_old_events_are_purged(store, press, delivering, until):
    async def scenario():
        await press("door", 1)
        await store.settle([Delivered(store.pending("door", 0, 1)[0].id, at_ms=0)])
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            await until(lambda: store.stats().delivered == 0)

    asyncio.run(scenario())


def test_dead_letters_are_deleted_in_time_and_the_log_tells(
    store, press, delivering, until, caplog
):
    async def scenario():
        await press("door", 1, 2)
        await store.settle([Dead(store.pending("door", 0, 1)[0].id, "no")])
        async with sandboxes.running() as sandbox:
            async with delivering(sandbox.url):
                await until(lambda: store.stats().delivered)
            assert store.stats().dead == 1
            async with delivering(sandbox.url, keep_dead_days=0):
                await until(lambda: "dead letters" in caplog.text)

    with caplog.at_level(logging.INFO):
        asyncio.run(scenario())
    assert "1 dead letters older than 0 days were deleted" in caplog.text
    assert store.stats().dead == 0


def test_attempts_are_counted(store, press, delivering, until, fail):
    metrics = Metrics()

    async def scenario():
        async with sandboxes.running() as sandbox, delivering(sandbox.url, metrics):
            fail(sandbox, kind="status", status=500, count=2)
            fail(sandbox, kind="status", status=400)
            await press("door", 1, 2)
            await until(lambda: store.stats().pending == 0)

    asyncio.run(scenario())
    counted = {
        outcome: metrics.registry.get_sample_value(
            "thingwarden_deliveries_total", {"outcome": outcome}
        )
        for outcome in ("retry", "dead", "delivered")
    }
    assert counted == {"retry": 2, "dead": 1, "delivered": 1}
    assert metrics.registry.get_sample_value("thingwarden_delivery_seconds_count") == 4
