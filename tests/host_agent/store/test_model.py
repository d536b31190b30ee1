"""The store against a model of plain dicts, restarts in between."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from host_agent.store import (
    Accepted,
    Caller,
    CapturedEvent,
    Dead,
    Delivered,
    ExternalEvent,
    Forgotten,
    Limits,
    Report,
    Stale,
    Store,
    StoreFull,
    UnknownDevice,
)

DEVICES = ("door", "gate")
MAX_EVENTS = 12


class StoreModel(RuleBasedStateMachine):
    """`counters`: device -> (last frame, acked); `states`: EXT_EVT_ID -> state."""

    def __init__(self):
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.open()
        self.keys = {}
        self.counters = dict.fromkeys(DEVICES, ((0, 0), (0, 0)))
        self.states = {}

    def open(self):
        path = Path(self.directory.name) / "agent.db"
        self.store = Store.open(path, Limits(max_events=MAX_EVENTS))

    def teardown(self):
        self.store.close()
        self.directory.cleanup()

    def in_state(self, *states):
        return [event for event, state in self.states.items() if state in states]

    @rule(name=st.sampled_from(DEVICES))
    def add_or_remove_a_device(self, name):
        if name in self.keys:
            self.store.remove_device(name)
            del self.keys[name]
        else:
            self.keys[name] = self.store.add_device(name, "lock").key

    @rule(
        name=st.sampled_from(DEVICES),
        frame=st.tuples(st.integers(1, 3), st.integers(1, 6)),
        seqs=st.lists(st.integers(1, 9), max_size=4, unique=True).map(sorted),
    )
    def report(self, name, frame, seqs):
        boot = frame[0]
        events = tuple(CapturedEvent(boot, seq, "t", {}, 0, "board") for seq in seqs)
        report = Report(name, self.keys.get(name, b"?"), *frame, 0, events)
        last_frame, acked = self.counters[name]
        fresh = [(boot, seq) for seq in seqs if (boot, seq) > acked]
        waiting = len(self.in_state("pending", "dead"))
        if name not in self.keys:
            expected = Forgotten()
        elif frame <= last_frame:
            expected = Stale(last_frame[0])
        elif fresh and waiting + len(fresh) > MAX_EVENTS:
            with pytest.raises(StoreFull):
                asyncio.run(self.store.accept(report))
            return
        else:
            acked = max([acked, *fresh])
            expected = Accepted(acked, len(fresh), len(seqs) - len(fresh), 0)
            self.counters[name] = (frame, acked)
            self.states |= {f"{name}:{boot}:{seq}": "pending" for boot, seq in fresh}
        assert asyncio.run(self.store.accept(report)) == expected

    @rule(name=st.sampled_from(DEVICES))
    def external(self, name):
        event = ExternalEvent(name, "t", (), 0, Caller())
        if name not in self.keys:
            with pytest.raises(UnknownDevice):
                asyncio.run(self.store.add_external(event))
        elif len(self.in_state("pending", "dead")) >= MAX_EVENTS:
            with pytest.raises(StoreFull):
                asyncio.run(self.store.add_external(event))
        else:
            self.states[asyncio.run(self.store.add_external(event))] = "pending"

    @precondition(lambda self: self.in_state("pending"))
    @rule(data=st.data(), outcome=st.sampled_from(["delivered", "dead"]))
    def settle(self, data, outcome):
        chosen = data.draw(st.integers(0, len(self.in_state("pending")) - 1))
        event_id = self.in_state("pending")[chosen]
        (row_id,) = (
            event.id
            for device in DEVICES
            for event in self.store.pending(device, 0, 100)
            if event.event_id == event_id
        )
        settled = Delivered(row_id, 0) if outcome == "delivered" else Dead(row_id, "no")
        asyncio.run(self.store.settle([settled]))
        self.states[event_id] = outcome

    @rule()
    def retry_dead(self):
        dead = self.in_state("dead")
        assert self.store.retry_dead() == len(dead)
        self.states |= dict.fromkeys(dead, "pending")

    @rule()
    def restart(self):
        self.store.close()
        self.open()

    @invariant()
    def the_store_is_as_the_model(self):
        stored = {event.event_id: event.state for event in self.store.events(limit=1000)}
        assert stored == self.states
        for name in DEVICES:
            waiting = [event.event_id for event in self.store.pending(name, 0, 1000)]
            pending = [event for event in self.in_state("pending") if event.startswith(name)]
            assert sorted(waiting) == sorted(pending)
        devices = {device.name: device for device in self.store.devices()}
        assert {name: device.key for name, device in devices.items()} == self.keys
        for name, device in devices.items():
            assert ((device.boot, device.frame), device.acked) == self.counters[name]
        stats = self.store.stats()
        assert stats.pending == len(self.in_state("pending"))
        assert stats.dead == len(self.in_state("dead"))


TestStoreModel = StoreModel.TestCase
TestStoreModel.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
