"""What an app's Agent can be told, and what it can do."""

import asyncio

import pytest

from host_agent.app import AppError
from host_agent.commands import CommandError
from host_agent.securithings import SecuriThingsError
from host_agent.store import Caller, UnknownDevice

BROWSER = {"headers": {"X-Forwarded-For": "192.0.2.7", "User-Agent": "curl/8"}}


def do(running, work):
    """What `work()`, a coroutine function, returns while the agent runs."""

    async def scenario():
        async with running():
            return await work()

    return asyncio.run(scenario())


def test_handlers_are_registered_by_call_and_by_decorator(agent):
    def handle(_):
        """Nothing."""

    assert agent.on("a", handle) is handle
    assert agent.on("b")(handle) is handle
    assert agent.on_request(handle) is handle
    assert agent.event_handlers == [("a", handle), ("b", handle)]


@pytest.mark.parametrize(
    ("register", "said"),
    [
        (lambda agent: agent.on(None, print), "the type of an event"),
        (lambda agent: agent.on(""), "the type of an event"),
        (lambda agent: agent.on(print), "the type of an event"),
        (lambda agent: agent.on("a", "handler"), "must be a function, not a str"),
        (lambda agent: agent.on_request(3), "must be a function, not a int"),
        (lambda agent: agent.on("a", lambda event: (yield event)), "must not yield"),
        (lambda agent: (agent.on_request(print), agent.on_request(print)), "one already"),
    ],
    ids=["no type", "empty", "no parentheses", "text", "number", "yield", "two"],
)
def test_what_is_no_handler_is_told(agent, register, said):
    with pytest.raises(AppError, match=said):
        register(agent)


def test_before_it_runs_and_after_it_does_nothing(agent, running):
    async def nothing():
        with pytest.raises(AppError, match="top of the file"):
            agent.on("a", print)

    def refuses():
        with pytest.raises(AppError, match=r"agent.send\(\) works only while the agent runs"):
            agent.send("hvac", "power", "on")
        with pytest.raises(AppError, match=r"create_external_event\(\) works only"):
            agent.create_external_event("power", None, "hvac")
        with pytest.raises(AppError, match=r"send_event\(\) works only"):
            agent.send_event(None)

    refuses()
    do(running, nothing)
    refuses()


def test_a_command_is_durable_when_it_was_sent(agent, running, store):
    async def work():
        return await agent.send("hvac", "power", "on", ttl_s=5)

    command = do(running, work)
    assert (command.name, command.args, command.state) == ("power", "on", "open")
    assert command.expires_ms - command.created_ms == 5000
    assert store.commands.get("hvac", command.id) == command


def test_a_command_is_recorded_with_who_asked_for_it(agent, running, store):
    async def work():
        event = agent.create_external_event("power", BROWSER, "hvac")
        event.set_user_id("ann")
        return await agent.send("hvac", "power", "on", event=event)

    command = do(running, work)
    assert store.commands.list() == [command]
    (recorded,) = store.pending("hvac", 0, 10)
    assert (recorded.type, recorded.caller) == ("power", Caller("192.0.2.7", "curl/8", "ann"))


def test_what_was_refused_is_not_told_as_done(agent, running, store):
    async def work():
        event = agent.create_external_event("power", BROWSER, "hvac")
        with pytest.raises(CommandError):
            await agent.send("hvac", "no name", event=event)
        with pytest.raises(UnknownDevice):
            await agent.send("nobody", "power", event=event)
        with pytest.raises(AppError, match=r"agent.send\(\) wants what agent.create"):
            agent.send("hvac", "power", event={"TYPE": "power"})

    do(running, work)
    assert (store.events(), store.commands.list()) == ([], [])


def test_a_command_that_cannot_be_is_told_to_its_handler(agent, running):
    async def work():
        with pytest.raises(UnknownDevice):
            await agent.send("nobody", "power")
        with pytest.raises(CommandError):
            await agent.send("hvac", "no name")

    do(running, work)


def test_a_sync_handler_waits_with_result(agent, running, press, store, until):
    got = []

    @agent.on("buttonState")
    def handle(event):
        got.append(agent.send(event.device, "power", True).result())
        external = agent.create_external_event("power", None, event.device)
        got.append(agent.send_event(external).result())

    async def work():
        await press("hvac", 1)
        await until(lambda: len(got) == 2)

    do(running, work)
    assert store.commands.list() == [got[0]]
    assert store.events()[0].event_id == got[1]


def test_an_async_handler_is_not_blocked_by_result(agent, running):
    async def work():
        started = agent.send("hvac", "power")
        with pytest.raises(AppError, match="await"):
            started.result()
        await started

    do(running, work)


def test_what_nobody_waits_for_is_done_too_and_its_failure_is_logged(
    agent, running, store, until, caplog
):
    async def work():
        agent.send("hvac", "power", "on")
        agent.send("nobody", "power", "on")
        agent.send("no\nbody", "power", "on")
        await until(lambda: store.commands.list() and len(caplog.records) == 2)

    do(running, work)
    assert r"no\nbody" in caplog.text and "no\nbody" not in caplog.text
    assert "the command power to nobody failed: there is no device nobody" in caplog.text


def test_an_external_event_has_all_that_it_was_told(agent, running, store):
    async def work():
        event = agent.create_external_event("power", BROWSER, "hvac")
        event.set_user_id("ann")
        event.set_session_id("s-1")
        event.set_source_group_id("roof")
        event.set_api_key_id("key-1")
        event.add_param("state", "on")
        event.add_param("level", 21.5)
        event.add_param("state", True)
        return await agent.send_event(event)

    added = do(running, work)
    (stored,) = store.pending("hvac", 0, 10)
    assert stored.event_id == added
    assert stored.params == (("state", "on"), ("level", "21.5"), ("state", "true"))
    assert stored.caller == Caller("192.0.2.7", "curl/8", "ann", "s-1", "key-1", "roof")


def test_its_time_is_when_it_was_made(agent, running, store):
    async def work():
        first = agent.create_external_event("power", None, "hvac")
        made = first.to_store().time_ms
        await asyncio.sleep(0.01)
        await agent.send_event(first)
        return made

    made = do(running, work)
    (stored,) = store.pending("hvac", 0, 10)
    assert (stored.time_ms, stored.caller) == (made, Caller())


def test_sent_again_it_is_another_event(agent, running, store):
    async def work():
        event = agent.create_external_event("power", None, "hvac")
        return await agent.send_event(event), await agent.send_event(event)

    ids = do(running, work)
    assert len(set(ids)) == 2
    assert [event.event_id for event in store.pending("hvac", 0, 10)] == [*ids]


def test_what_cannot_be_an_external_event_is_told(agent, running, store):
    async def work():
        event = agent.create_external_event("power", None, "hvac")
        with pytest.raises(SecuriThingsError):
            event.set_user_id(7)
        with pytest.raises(SecuriThingsError):
            event.add_param("x", float("nan"))
        with pytest.raises(AppError, match="gives this event its id"):
            event.set_ext_evt_id("mine")
        event.add_param("x", "y" * 65_536)
        with pytest.raises(AppError, match="at most 65536 bytes"):
            agent.send_event(event)
        with pytest.raises(AppError, match="create_external_event"):
            agent.send_event({"TYPE": "power"})
        with pytest.raises(UnknownDevice):
            await agent.send_event(agent.create_external_event("power", None, "nobody"))

    do(running, work)
    assert store.events() == []
