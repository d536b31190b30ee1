import json
import os

import machine
from server import listening
from support import Agent, Board, Ticks, no_allocation, raises, ran_clock
from warden import app, link_http
from warden.config import checked
from warden.frames import Codec
from warden.settings import ConfigError

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
INPUTS = [
    {"kind": "button", "name": "button", "pin": 14, "pull": "up"},
    {"kind": "analog", "name": "temperature", "pin": 34, "every_ms": 600000},
]


def board(**changes):
    settings = {"device": "front-door", "key": KEY, "agent": "http://127.0.0.1:1"}
    settings["inputs"] = INPUTS
    settings.update(changes)
    return app.App(checked(settings))


def test_a_quiet_round_of_the_loop_allocates_nothing():
    running = board(wifi={"ssid": "home", "password": ""})
    while not running.session._wait_ms:  # nobody listens
        running.step()
        app.sleep_ms(2)
    running.session._wait_ms = 60000  # else its end may fall into the rounds below
    for _ in range(50):
        running.step()
        app.sleep_ms(2)
    with no_allocation():
        for _ in range(20):
            running.step()
    assert running.failures == 0


def test_an_error_in_one_part_is_told_and_counted_and_stops_no_other():
    def broken(_):
        raise OSError(5)

    machine.ADC.read_uv = broken
    running = board(inputs=[dict(INPUTS[1], every_ms=10), INPUTS[0]])
    for _ in range(5):
        running.step()
        app.sleep_ms(10)
    machine._drive(14, 0)
    for _ in range(10):
        running.step()
        app.sleep_ms(10)
    assert running.failures > 5
    assert len(running.queue) == 1  # the press; a broken reading is none


def test_a_contact_tells_its_state_once_the_boot_has_begun():
    running = board(inputs=[{"kind": "digital", "name": "door", "pin": 27, "pull": "up"}])
    running.step()
    running.step()
    assert len(running.queue) == 1
    assert running.counters.discards == 0


def test_a_board_without_counters_says_so_and_goes_on_trying():
    with open("nvs-warden.json", "w") as file:
        file.write('{"counters": "01')
    running = board()
    for _ in range(3):
        running.step()
    assert running.counters.boot == 0
    assert len(running.queue) == 0
    assert running.failures == 0


def test_health_tells_what_a_person_wants_to_know():
    running = board()
    running.step()
    running.step()
    health = running.health()
    assert health["heap"] > 0  # how much: test_heap.py
    assert health["reset"] == "pwron"
    assert health["queue"] == 1
    for name in ("version", "uptime_s", "discards", "gaps", "missed", "failures", "loop_ms"):
        assert name in health


def test_a_pin_that_the_board_does_not_have_is_a_configuration_error():
    with raises(ConfigError, "input far: pin 24"):
        board(inputs=[{"kind": "button", "name": "far", "pin": 24}])


def test_a_missing_configuration_leaves_the_prompt():
    app.main()  # returns instead of raising
    assert os.listdir() == []


def run_main(rounds):
    """main() for so many rounds of its loop, then Ctrl-C."""
    settings = {"device": "front-door", "key": KEY, "agent": "http://127.0.0.1:1", "watchdog_s": 7}
    with open("config.json", "w") as file:
        json.dump(settings, file)
    left = [rounds]

    def sleep_ms(_):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    app.sleep_ms = sleep_ms
    app.main()


def test_the_loop_feeds_the_watchdog_and_leaves_it_time_after_ctrl_c():
    run_main(rounds=20)
    assert machine.WDT.feeds == 20
    assert machine.WDT.timeouts == [7000, 600000]


def test_a_worker_that_never_comes_back_starves_the_watchdog():
    class Stuck(app.Session):
        def stuck(self):
            return True

    app.Session = Stuck
    run_main(rounds=20)
    assert machine.WDT.feeds == 0


def test_a_session_is_stuck_when_a_frame_got_no_answer_for_minutes():
    ticks = Ticks()

    class Silent:
        def send(self, frame):
            pass

        def take(self):
            return None

    parts = Board()
    codec = Codec("front-door", bytes(32))
    clock = ticks.clock()
    session = app.Session(codec, parts.counters, parts.queue, clock, Silent(), dict, 5000)
    session.tick()
    ticks.now += 299000
    assert not session.stuck()
    ticks.now += 2000
    assert session.stuck()


class Away:
    """A board whose Wi-Fi comes and goes, with the time in our hands."""

    def __init__(self):
        self.ticks = Ticks(period=1 << 30)
        self.agent = Agent()
        app.Clock = self.ticks.clock
        link_http.HttpLink = lambda _: self.agent
        self.running = board(inputs=[], wifi={"ssid": "home", "password": ""})
        self.run(100)
        self.agent.answer(ack=[0, 0])
        self.run(100)

    def run(self, milliseconds, step_ms=10):
        for _ in range(milliseconds // step_ms):
            self.running.step()
            self.ticks.now += step_ms


def test_a_week_without_wifi_leaves_nothing_overdue():
    for in_flight in (True, False):
        away = Away()
        if in_flight:
            away.run(5000)
        machine.air[0] = 0
        if in_flight:
            away.agent.fail(error="OSError(113,)")
        away.run(7 * 86400000, 300000)
        before = len(away.agent.frames)
        machine.air[0] = 1
        away.run(30000)
        assert len(away.agent.frames) == before + 1
        assert "health" in away.agent.report()


def test_a_frame_in_flight_when_the_wifi_goes_needs_no_restart():
    away = Away()
    away.run(5000)
    machine.air[0] = 0
    away.agent.fail(error="OSError(113,)")
    away.run(400000, 1000)
    assert not away.running.session.stuck()


class Outage(Agent):
    """An agent that accepts the first frame and is gone then. It keeps no copy of a frame."""

    def __init__(self, address):
        super().__init__()
        self.longest = 0

    def send(self, frame):
        if not self.frames:
            super().send(frame)
            self.answer(ack=[0, 0])
        else:
            self.longest = max(self.longest, len(frame))
            self.fail(error="OSError(111,)")


def test_a_long_outage_on_a_small_heap_loses_no_press_and_fails_no_send():
    link_http.HttpLink = Outage
    running = board(inputs=INPUTS[:1])
    running.step()
    for n in range(600):
        running._capture("buttonState", {"pressed": True, "n": n}, running.clock.uptime())
        running.session._wait_ms = 0
        running.session._room = 4096  # else its frames grow shorter
        running.step()
        app.sleep_ms(5)
    assert running.session._link.longest > 3500
    assert running.failures == 0
    assert running.counters.discards == 0
    assert len(running.queue) == 600


def test_the_loop_keeps_its_rhythm_while_the_agent_hangs():
    app.Clock = ran_clock
    listener, address = listening()
    running = board(agent=address)
    for _ in range(150):
        running.step()
        app.sleep_ms(10)
    assert running.session._link.take() is None, "the worker still waits"
    assert running.health()["loop_ms"] < 250
    listener.close()
