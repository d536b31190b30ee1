"""A command that somebody asks for and the USER event that tells of it: both or neither."""

import asyncio

import pytest

from host_agent.commands import MAX_OPEN, CommandError, TooManyCommands
from host_agent.store import Caller, Limits, Store, StoreFull, UnknownDevice
from tests.host_agent.store.burst import told_until_killed

ANN = Caller("192.0.2.7", "Browser/1", "ann", "s-1", "key-1")


def request(store, device="door", name="power", args=None, ttl_s=60.0, caller=ANN, params=()):
    return asyncio.run(store.commands.request(device, name, args, ttl_s, caller, params))


@pytest.mark.usefixtures("board")
def test_both_are_there_and_tell_of_each_other(store):
    command, event_id = request(store, args="on", ttl_s=30, params=(("reason", "cold"),))

    assert store.commands.open("door") == (command,)
    assert command.expires_ms - command.created_ms == 30_000
    (event,) = store.pending("door", 0, 10)
    assert (event.event_id, event.type, event.caller) == (event_id, "power", ANN)
    assert event.params == (("value", "on"), ("reason", "cold"))
    assert abs(event.time_ms - command.created_ms) < 1000


@pytest.mark.usefixtures("board")
@pytest.mark.parametrize(
    ("args", "params"),
    [
        (None, ()),
        (True, (("value", "true"),)),
        (False, (("value", "false"),)),
        (0, (("value", "0"),)),
        (-(2**63), (("value", "-9223372036854775808"),)),
        (21.5, (("value", "21.5"),)),
        ("", (("value", ""),)),
        ("true", (("value", "true"),)),
    ],
    ids=["none", "true", "false", "zero", "long", "float", "empty", "text"],
)
def test_the_event_has_the_value_as_text(store, args, params):
    request(store, args=args)
    assert store.pending("door", 0, 10)[0].params == params


@pytest.mark.usefixtures("board")
def test_it_is_announced_to_delivery_and_to_the_board(store):
    events, due = [], []
    store.on_accepted.append(events.extend)
    store.on_due.append(due.append)
    _, event_id = request(store)
    assert [event.event_id for event in events] == [event_id]
    assert due == ["door"]


def nothing_new(store):
    return store.events() == [] and store.commands.list() == []


@pytest.mark.usefixtures("board")
@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"device": "nobody"}, UnknownDevice),
        ({"name": "no spaces"}, CommandError),
        ({"name": ""}, CommandError),
        ({"args": "x" * 129}, CommandError),
        ({"args": float("nan")}, CommandError),
        ({"args": 2**63}, CommandError),
        ({"args": "\ud800"}, CommandError),
        ({"ttl_s": 0.5}, CommandError),
        ({"caller": Caller(user_id="\ud800")}, CommandError),
        ({"params": (("why", "\ud800"),)}, CommandError),
    ],
    ids=[
        "device",
        "name",
        "empty",
        "long",
        "NaN",
        "large",
        "surrogate",
        "ttl",
        "who",
        "params",
    ],
)
def test_a_refused_one_leaves_nothing(store, asked, error):
    with pytest.raises(error):
        request(store, **asked)
    assert nothing_new(store)


@pytest.mark.usefixtures("board")
def test_with_64_open_nothing_is_added(store):
    for number in range(MAX_OPEN):
        request(store, args=number)
    before = store.commands.list(limit=100), store.events(limit=100)
    with pytest.raises(TooManyCommands, match="64 commands wait for door"):
        request(store, args="one more")
    assert (store.commands.list(limit=100), store.events(limit=100)) == before
    assert len(before[1]) == MAX_OPEN


def test_with_no_room_for_the_event_there_is_no_command(path):
    with Store.open(path, Limits(max_events=1)) as store:
        store.add_device("door", "lock")
        command, _ = request(store)
        with pytest.raises(StoreFull):
            request(store, args="two")
        assert store.commands.list() == [command]
        assert store.commands.open("door") == (command,)
    with Store.open(path, Limits(max_events=1)) as store:
        assert store.commands.list() == [command]
        assert store.stats().pending == 1


def test_a_refused_one_harms_no_other_of_its_commit(store, board):
    async def together():
        return await asyncio.gather(
            store.commands.request("door", "power", 1, 60, ANN),
            store.commands.request("door", "power", 2, 60, Caller(user_id="\ud800")),
            store.commands.request("door", "no name", 3, 60, ANN),
            store.commands.request("door", "power", 4, 60, ANN),
            store.accept(board.report(1)),
            return_exceptions=True,
        )

    first, bad, worse, second, accepted = asyncio.run(together())
    assert isinstance(bad, CommandError) and isinstance(worse, CommandError)
    assert accepted.stored == 1
    assert [command.args for command in store.commands.open("door")] == [1, 4]
    assert [event.event_id for event in store.pending("door", 0, 10)] == [
        first[1],
        second[1],
        "door:1:1",
    ]


BURST = """
import asyncio, sys
from pathlib import Path
from host_agent.store import Caller, Store

async def ask(store, device):
    while True:
        for number in range(64):
            _, event_id = await store.commands.request(device, "power", number, 60, Caller())
            print(event_id, flush=True)
        store.remove_device(device)
        store.add_device(device, "lock")

async def main(store):
    names = [store.add_device(f"board-{n}", "lock").name for n in range(10)]
    await asyncio.gather(*(ask(store, name) for name in names))

asyncio.run(main(Store.open(Path(sys.argv[1]))))
"""


def test_kill_9_leaves_both_or_neither(path):
    told = set(told_until_killed(BURST, path, 1500))

    with Store.open(path) as store:
        events = store.events(limit=100_000)
        commands = store.commands.list(limit=100_000)
        assert told <= {event.event_id for event in events}
        by_device = sorted((event.device, event.params["value"]) for event in events)
        assert by_device == sorted((command.device, str(command.args)) for command in commands)
