"""Commands against a model of their board: lost replies, power cuts, restarts, a lost store."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from host_agent.clock import now_ms
from host_agent.commands import CommandResult
from host_agent.store import Report, Store

DAY_S = 86_400


class CommandsModel(RuleBasedStateMachine):
    """The board keeps `taken`; `results` are in its RAM. `acted` are the values of the commands
    that it did, each of which is another; `ahead_s` is how far its time is."""

    def __init__(self):
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.path = Path(self.directory.name) / "agent.db"
        self.store = Store.open(self.path)
        self.key = self.store.add_device("door", "lock").key
        self.copy = self.path.with_name("agent.db.devices.json")
        self.first_copy = self.copy.read_bytes()
        self.boot, self.frame = 1, 0
        self.taken, self.results = 0, []
        self.acted = []
        self.ahead_s = self.given = 0
        self.settled = {}

    def teardown(self):
        self.store.close()
        self.directory.cleanup()

    @rule(ttl_s=st.integers(1, 100))
    def give(self, ttl_s):
        self.given += 1
        self.store.commands.add("door", "do", self.given, min(self.ahead_s + ttl_s, DAY_S))

    @rule(fate=st.sampled_from(["frame lost", "reply lost", "through", "through", 0, 1]))
    def exchange(self, fate):
        """A frame and its reply; with a number the power goes when so many of the reply's commands
        are done and one more is taken."""
        self.frame += 1
        now = now_ms() + self.ahead_s * 1000
        report = Report(
            "door",
            self.key,
            self.boot,
            self.frame,
            now,
            commanded=self.taken,
            results=tuple(self.results),
        )
        if fate == "frame lost":
            return
        accepted = asyncio.run(self.store.accept(report))
        assert all(command.expires_ms > now for command in accepted.commands)
        if fate == "reply lost":
            return
        self.results = []
        for number, command in enumerate(accepted.commands):
            assert command.id > self.taken
            self.taken = command.id
            if number == fate:
                self.cut_power()
                return
            self.acted.append(command.args)
            self.results.append(CommandResult(command.id, None))

    @rule()
    def cut_power(self):
        self.boot, self.frame = self.boot + 1, 0
        self.results = [CommandResult(self.taken, "unknown")] if self.taken else []

    @rule(seconds=st.integers(1, 60))
    def time_passes(self, seconds):
        self.ahead_s += seconds

    @rule()
    def restart(self):
        self.store.close()
        self.store = Store.open(self.path)

    @rule(behind=st.booleans())
    def lose_the_store(self, behind):
        """Its devices come back from the copy, which may be the first one; frames of the boots
        before count as used."""
        self.store.close()
        self.path.unlink()
        if behind:
            self.copy.write_bytes(self.first_copy)
        self.store = Store.open(self.path)
        self.boot, self.frame = self.boot + 1, 0
        self.settled.clear()

    @invariant()
    def nothing_is_done_twice(self):
        assert len(set(self.acted)) == len(self.acted)

    @invariant()
    def what_is_told_is_true(self):
        for command in self.store.commands.list(limit=1000):
            if command.state == "done":
                assert command.args in self.acted
            if command.state in ("failed", "expired"):
                assert command.args not in self.acted

    @invariant()
    def what_is_settled_stays(self):
        for command in self.store.commands.list(limit=1000):
            if command.id in self.settled:
                assert command == self.settled[command.id]
            elif command.state != "open":
                self.settled[command.id] = command


TestCommandsModel = CommandsModel.TestCase
TestCommandsModel.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
