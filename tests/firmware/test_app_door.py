"""The whole program with a door, on the simulated board."""

import binascii
import json

import machine
from server import listening
from support import no_allocation, raises, ran_clock, ran_ms
from warden import app
from warden.slow_hash import Pbkdf2

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
ACCOUNT = {"agent_id": "a", "organization_id": "o", "auth_group_id": "g"}
ROWS, COLUMNS = [13, 16, 17, 18], [19, 21, 22]
KEYS = "123456789*0#"
LOCK = 23
SALT = "AAAAAAAAAAAAAAAAAAAAAA=="


def configure(address="http://127.0.0.1:1", **changes):
    access = {"keypad": {"rows": ROWS, "columns": COLUMNS}, "lock": {"pin": LOCK}}
    access.update(changes)
    whole = {"device": "front-door", "key": KEY, "agent": address, "access": access}
    whole["guardiankey"] = dict(ACCOUNT, key=KEY, iv=SALT)
    with open("config.json", "w") as file:
        json.dump(whole, file)


def door(*address, **changes):
    """The running program; alice has the code 1234."""
    configure(*address, **changes)
    running = app.App(app.load_settings())
    give(running, 1)
    pause(running, 100)  # a key held since the start would be none
    return running


def give(running, iterations):
    digest = None
    hasher = Pbkdf2(b"code:1234", bytes(16), iterations)
    while digest is None:
        digest = hasher.step(1000)
    change = {"list": "%08x" % iterations, "salt": SALT, "iterations": iterations, "from": 0}
    change.update({"rev": 1, "lockdown": False, "unset": [], "more": False})
    change["set"] = [["alice", "code", "", str(binascii.b2a_base64(digest)[:-1], "ascii")]]
    running.access.extras[0].read({"access": change})


def press(key, pressed):
    row, column = divmod(KEYS.index(key), 3)
    machine._keys[ROWS[row] * machine._PINS + COLUMNS[column]] = pressed
    machine._columns[COLUMNS[column]] = pressed


def pause(running, milliseconds):
    """The loop runs for so long by its own clock."""
    began = running.clock.ticks()
    while running.clock.since(began) < milliseconds:
        running.step()
        app.sleep_ms(10)


def run(running, until, most_ms=40000):
    """Run the loop as main does, until it is so."""
    began = ran_ms()
    while not until():
        assert ran_ms() - began < most_ms, "it never came"
        running.step()
        app.sleep_ms(running.pause_ms())


def enter(running, code):
    for key in code + "#":
        for pressed in (1, 0):
            press(key, pressed)
            pause(running, 60)  # longer than the debouncing


def is_open():
    return bool(machine.Pin(LOCK).value())


def test_a_code_at_the_keypad_becomes_an_attempt_and_an_event():
    running = door(no_verdict="open")
    enter(running, "1234")
    run(running, is_open)
    assert len(running.queue) == 1 and running.failures == 0
    run(running, lambda: not is_open())
    run(running, lambda: len(running.access.attempts) == 1)
    health = running.health()
    assert health["late"] == 1 and health["missed"] == 0


def test_an_agent_that_hangs_closes_the_door_in_time_and_the_loop_keeps_its_rhythm():
    app.Clock = ran_clock
    listener, address = listening()
    running = door(address)
    enter(running, "1234")
    running.health()
    began = ran_ms()
    run(running, lambda: len(running.queue) == 1)
    assert 3000 < ran_ms() - began < 4500
    assert not is_open()
    assert running.health()["loop_ms"] < 250
    listener.close()


def test_the_loop_keeps_its_rhythm_while_a_code_is_hashed():
    app.Clock = ran_clock
    running = door(no_verdict="open")
    give(running, 50000)
    enter(running, "1234")
    run(running, lambda: running.access.door.hashing)
    assert running.pause_ms() == 1
    running.health()
    rounds = [0]

    def count():
        rounds[0] += 1
        return not running.access.door.hashing

    run(running, count)
    assert rounds[0] > 20
    assert running.health()["loop_ms"] < 250
    assert running.pause_ms() == 10
    run(running, is_open)


def test_a_quiet_round_with_a_door_allocates_nothing():
    running = door()
    run(running, lambda: running.session._wait_ms)  # nobody listens
    running.session._wait_ms = 60000  # else its end may fall into the rounds below
    for _ in range(50):
        running.step()
        app.sleep_ms(2)
    with no_allocation():
        for _ in range(20):
            running.step()
    assert running.failures == 0


def test_the_lock_shuts_by_itself_even_if_the_door_is_broken():
    running = door(lock={"pin": LOCK, "open_ms": 100})

    def broken():
        raise OSError(5)

    running._parts[running._parts.index(running.access.door.tick)] = broken
    running.access.lock.open()
    run(running, lambda: not is_open())
    assert running.failures > 1


def test_a_reader_that_fails_shuts_the_lock_at_once():
    running = door()

    def broken():
        raise OSError(5)

    running.access.lock.open()
    running.access.door._reader.tick = broken
    running.step()
    assert not is_open() and running.failures == 1


class Ends(BaseException):
    pass


def ended_by(error):
    """main() of a board whose lock is open when this ends it."""
    configure()
    built = []

    class Watched(app.App):
        def __init__(self, settings):
            super().__init__(settings)
            built.append(self)

    def sleep_ms(_):
        built[0].access.lock.open()
        assert is_open()
        raise error

    app.App, app.sleep_ms = Watched, sleep_ms
    app.main()


def test_ctrl_c_leaves_the_lock_shut():
    ended_by(KeyboardInterrupt())
    assert not is_open()


def test_any_other_end_leaves_the_lock_shut():
    with raises(Ends):
        ended_by(Ends())
    assert not is_open()


def test_the_lock_is_shut_from_the_start():
    machine.Pin(LOCK).value(0)
    configure(lock={"pin": LOCK, "active": "low"})
    app.App(app.load_settings())
    assert is_open(), "its level is the high one"


def test_the_rtc_is_set_by_the_first_time_from_the_agent():
    told = []
    app.rtc.set = told.append
    running = door()
    assert not told
    running.clock.set(1700000000000, running.clock.uptime())
    for _ in range(5):
        running.step()
    assert len(told) == 1 and 0 <= told[0] - 1700000000000 < 60000


def test_a_lock_on_a_pin_that_the_board_lacks_is_a_configuration_error():
    configure(lock={"pin": 24})
    with raises(app.ConfigError, "access.lock"):
        app.App(app.load_settings())


def test_attempts_tell_the_configured_or_the_stations_address():
    running = door()
    assert running._client_ip() == "127.0.0.1"

    class Station:
        def address(self):
            return "192.0.2.7"

    running.wifi = Station()
    assert running._client_ip() == "192.0.2.7"
    running._settings.guardiankey.client_ip = "198.51.100.1"
    assert running._client_ip() == "198.51.100.1"
