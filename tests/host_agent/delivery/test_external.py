"""External events arrive as USER events of SecuriThings."""

import asyncio

import pytest
from aiohttp import web

from host_agent.store import Caller, ExternalEvent

WHOLE = Caller("192.0.2.7, 10.0.0.1", "curl/8 é", "ann", "s-1", "key-1", "roof")


def external(caller=WHOLE, params=(("state", "on"), ("state", "off"))):
    return ExternalEvent("hvac", "power", params, 1_700_000_000_500, caller)


@pytest.fixture
def bodies(store, cloud, delivering, until):
    """What the cloud gets of these events, once all are delivered."""
    store.add_device("hvac", "HVAC", "house-7")

    async def scenario(events, answer):
        async with cloud(answer) as here, delivering(here.url):
            for event in events:
                await store.add_external(event)
            await until(lambda: store.stats().delivered == len(events))
            return here.bodies

    return lambda *events, answer=lambda _: web.Response(): asyncio.run(scenario(events, answer))


def test_with_all_that_is_known(store, bodies):
    (body,) = bodies(external())
    assert body == {
        "TYPE": "power",
        "SOURCE": "USER",
        "DEVICE_ID": "hvac",
        "DEVICE_TYPE": "HVAC",
        "TIME": "1700000000500",
        "SOURCE_GROUP_ID": "roof",
        "SOURCE_GATEWAY_ID": "key-1",
        "SESSION_ID": "s-1",
        "USER_ID": "ann",
        "SOURCE_IP": "192.0.2.7, 10.0.0.1",
        "USER_AGENT": "curl/8 é",
        "EXT_EVT_ID": store.events()[0].event_id,
        "PARAMS": [{"NAME": "state", "VALUE": "on"}, {"NAME": "state", "VALUE": "off"}],
    }


def test_with_nothing_but_the_device(bodies):
    (body,) = bodies(external(Caller(), ()))
    assert set(body) == {
        *("TYPE", "SOURCE", "DEVICE_ID", "DEVICE_TYPE", "TIME", "SOURCE_GROUP_ID", "EXT_EVT_ID")
    }
    assert body["SOURCE_GROUP_ID"] == "house-7"


def test_every_attempt_is_the_same(bodies):
    answers = iter([web.Response(status=503), web.Response(status=500)])
    first, *again = bodies(external(), answer=lambda _: next(answers, web.Response()))
    assert again == [first, first]


def test_one_that_is_refused_becomes_a_dead_letter_and_the_next_moves_on(
    store, press, delivering, cloud, until
):
    def answer(body):
        return web.Response(status=400 if body["SOURCE"] == "USER" else 200)

    async def scenario():
        async with cloud(answer) as here, delivering(here.url):
            await press("hvac", 1)
            await store.add_external(external())
            await press("hvac", 2)
            await until(lambda: store.stats().pending == 0)
            return [body["SOURCE"] for body in here.bodies]

    assert asyncio.run(scenario()) == ["DEVICE", "USER", "DEVICE"]
    assert [(event.event_id, event.state) for event in store.events()] == [
        ("hvac:1:2", "delivered"),
        (store.events()[1].event_id, "dead"),
        ("hvac:1:1", "delivered"),
    ]


def test_one_that_got_damaged_in_the_store_blocks_nothing(store, press, delivering, cloud, until):
    store.add_device("hvac", "HVAC")

    async def scenario():
        await store.add_external(external())
        await press("hvac", 1)
        store._writer.call(
            lambda group: group.connection.execute("UPDATE events SET params = '{' WHERE id = 1")
        )
        async with cloud(lambda _: web.Response()) as here, delivering(here.url):
            await until(lambda: store.stats().pending == 0)
            return [body["SOURCE"] for body in here.bodies]

    assert asyncio.run(scenario()) == ["DEVICE"]
    assert "damaged" in store.events(state="dead")[0].reason
