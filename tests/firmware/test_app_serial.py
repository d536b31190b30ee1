"""The whole program at the end of a USB cable, at 115200 baud, with the time in our hands."""

import random
import sys

import machine
import warden.session
from support import Agent, Ticks, no_allocation
from test_app_door import ACCOUNT, COLUMNS, LOCK, ROWS, SALT, give, is_open, press
from uart import Port, Uart
from warden import app, link_serial
from warden.config import checked

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
POWER = 23
NOW = 1700000000000
_FSYNC_MS = 10


class Bench:
    """A board, its cable, and an agent that makes durable what comes whole and answers it.

    `commands` are what the agent has for the board; `report` is the last one, `events` the ids of
    what it took. `says` are the lines of the session on the board's console.
    """

    def __init__(self, **changes):
        self.ticks = Ticks(period=1 << 30)
        self.uart = Uart(self.ticks)
        self.port = Port(self.uart)
        self.agent = Agent()
        self.events = []
        self.commands = []
        self.report = None
        self.says = []
        self.hangs = self.is_strange = False
        self._last = (0, 0)
        self._replies = []
        warden.session.print = lambda *words: self.says.append(" ".join(words))
        app.Clock = self.ticks.clock
        link = link_serial.SerialLink
        link_serial.SerialLink = lambda clock: link(clock, self.uart, self.uart)
        settings = {"device": "front-door", "key": KEY, "agent": "serial"}
        settings.update(changes)
        self.running = app.App(checked(settings))

    def run(self, milliseconds, until=lambda: False):
        """Let time pass, until it is so: the milliseconds that it took."""
        began = self.ticks.now
        while self.ticks.now - began < milliseconds and not until():
            self.running.step()
            self.ticks.now += self.running.pause_ms()
            self.uart.take_in()
            self.port.turn()
            self._answer()
        return self.ticks.now - began

    def press(self):
        self.running._capture("buttonState", {"pressed": True}, self.running.clock.uptime())

    def plug_in(self):
        """As an agent does that finds a port."""
        self.uart.plug(True)
        self.port = Port(self.uart)
        self._replies.clear()
        self.uart.send(b"\n~?\n")

    def _answer(self):
        while self.port.frames:
            frame = self.port.frames.pop(0)
            if not self.hangs:
                self._replies.append((self.ticks.now + _FSYNC_MS, self._reply_to(frame)))
        while self._replies and self._replies[0][0] <= self.ticks.now:
            reply = self._replies.pop(0)[1]
            if reply:
                self.port.reply(reply)
            else:
                self.port.say(b"~!")

    def _reply_to(self, frame):
        if self.is_strange:
            return None
        self.agent.frames = [frame]
        report = self.agent.report()
        self.report = report
        number = (report["boot"], report["frame"])
        assert number > self._last, "a frame came twice"
        self._last = number
        for event in report["events"]:
            if not self.events or tuple(event["id"]) > self.events[-1]:
                self.events.append(tuple(event["id"]))
        taken = report.get("commands", 0)
        commands = [command for command in self.commands if command["id"] > taken]
        reply = {"ack": self.events[-1] if self.events else [0, 0], "commands": commands}
        if "attempt" in report:
            reply["verdict"] = {"id": report["attempt"]["id"], "response": "ACCEPT"}
        self.agent.answer(now=NOW + self.ticks.now, **reply)
        return self.agent.take().body


def test_events_go_up_the_cable_and_no_thread_is_there_for_them():
    bench = Bench()
    assert bench.run(1000, lambda: bench.says) < 200
    assert bench.says == ["agent: connected"]
    for _ in range(30):
        bench.press()
    bench.run(2000)
    assert len(bench.events) == 30 and len(bench.running.queue) == 0
    assert bench.running.failures == 0
    assert bench.uart.waited == 0 and bench.uart.dropped == 0
    assert "warden.worker" not in sys.modules and "warden.link_http" not in sys.modules


def test_the_loop_rests_less_while_a_frame_is_under_way():
    bench = Bench()
    assert bench.running.pause_ms() == 10
    bench.run(20)
    assert bench.running.pause_ms() == 1
    bench.run(1000)
    assert bench.running.pause_ms() == 10


def test_a_command_acts_within_100_ms():
    bench = Bench(commands={"power": {"pin": POWER}})
    bench.run(3000)
    pin = machine.Pin(POWER)
    slowest = 0
    for number in range(1, 21):
        level = number % 2
        bench.run(1000 + number)
        command = {"id": number, "name": "power", "args": bool(level), "ttl_ms": 60000}
        bench.commands = [command]
        bench.port.say(b"~?")
        slowest = max(slowest, bench.run(1000, lambda: pin.value() == level))
    print("slowest:", slowest)
    assert slowest <= 100
    bench.run(200)
    assert bench.report["results"] == [{"id": 20, "ok": True}]


def test_a_code_at_a_door_is_judged_over_the_cable():
    bench = Bench(
        guardiankey=dict(ACCOUNT, key=KEY, iv=SALT),
        access={"keypad": {"rows": ROWS, "columns": COLUMNS}, "lock": {"pin": LOCK}},
    )
    bench.run(1000)
    give(bench.running, 10)
    for key in "1234#":
        for pressed in (1, 0):
            press(key, pressed)
            bench.run(60)
    assert bench.run(4000, is_open) < 1000
    assert bench.report["attempt"]["ask"] is True
    bench.run(1000)
    assert len(bench.events) == 1 and bench.running.failures == 0


def test_a_cable_that_is_pulled_again_and_again_loses_and_doubles_nothing():
    bench = Bench()
    bench.run(500)
    random.seed(20)
    pressed = 0
    for _ in range(20):
        for _ in range(random.randint(1, 30)):
            bench.press()
            pressed += 1
        bench.run(random.randint(1, 600))
        bench.uart.plug(False)
        bench.run(random.randint(1, 300))
        bench.plug_in()
    assert bench.run(10000, lambda: not len(bench.running.queue)) < 10000
    assert len(bench.events) == pressed == len(set(bench.events))
    assert [seq for _, seq in bench.events] == list(range(1, pressed + 1))
    assert bench.running.failures == 0


def test_with_nobody_there_it_says_so_and_tries_at_once_when_somebody_comes():
    bench = Bench()
    bench.uart.plug(False)
    bench.run(60000)
    assert bench.says == ["agent: not reachable: no whole answer within 8000 ms"]
    bench.run(20000, lambda: bench.running.pause_ms() > 1)  # it rests before the next try
    bench.plug_in()
    assert bench.run(1000, lambda: bench.says[-1] == "agent: connected") < 200


def test_an_agent_that_comes_amid_a_try_waits_no_longer_than_a_second():
    bench = Bench()
    bench.uart.plug(False)
    bench.run(1000)
    bench.plug_in()
    bench.run(1300)
    assert bench.says[-1] == "agent: connected"


def test_a_stranger_is_told_what_may_be_wrong():
    bench = Bench()
    bench.is_strange = True
    bench.run(500)
    assert bench.says == [
        "agent: it does not know this device, or the key differs; see `thingwarden device list`"
    ]
    bench.is_strange = False
    bench.run(20000)
    assert bench.says[1:] == ["agent: connected"]


def test_a_quiet_round_allocates_nothing():
    bench = Bench(inputs=[{"kind": "button", "name": "button", "pin": 14, "pull": "up"}])
    bench.run(1000)
    bench.hangs = True
    for waits in (False, True):
        if waits:
            bench.press()
            bench.run(500)
        assert bench.running._serial.busy == waits
        with no_allocation():
            for _ in range(20):
                bench.running.step()
    assert bench.running.failures == 0


def test_the_clock_is_right_whichever_frame_was_long():
    bench = Bench()
    bench.run(1000)
    clock = bench.running.clock
    for _ in range(5):
        for _ in range(40):
            bench.press()
        bench.run(2000)
        assert abs(clock.unix_ms(clock.uptime()) - bench.ticks.now - NOW) < 50
    assert len(bench.events) == 200
