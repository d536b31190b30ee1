import micropython
from support import raises
from warden import app
from warden.config import Config, ConfigError

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
INPUTS = [
    {"kind": "button", "name": "button", "pin": 14, "pull": "up"},
    {"kind": "analog", "name": "temperature", "pin": 34, "every_ms": 600000},
]


def board(**changes):
    settings = {"device": "front-door", "key": KEY, "agent": "http://127.0.0.1:1"}
    settings["inputs"] = INPUTS
    settings.update(changes)
    return app.App(Config(settings))


def test_a_quiet_round_of_the_loop_allocates_nothing():
    running = board()
    for _ in range(50):
        running.step()
        app.sleep_ms(2)
    micropython.heap_lock()
    try:
        for _ in range(20):
            assert running.step()
    finally:
        micropython.heap_unlock()
    assert running.failures == 0


def test_an_error_in_one_part_is_told_and_counted_and_stops_no_other():
    running = board()

    def broken():
        raise OSError(5)

    running._parts.insert(0, broken)
    before = len(running.queue)
    assert not running.step()
    assert running.failures == 1
    assert len(running.queue) == before + 1  # the reading after the broken part


def test_health_tells_what_a_person_wants_to_know():
    running = board()
    running.step()
    health = running.health()
    assert health["heap"] > 60 * 1024
    assert health["reset"] == "pwron"
    assert health["queue"] == 1
    for name in ("version", "uptime_s", "discards", "gaps", "missed", "failures", "loop_ms"):
        assert name in health


def test_a_pin_that_the_board_does_not_have_is_a_configuration_error():
    import machine

    real, machine._PINS = machine._PINS, 40
    try:
        with raises(ConfigError, "input far: pin 45"):
            board(inputs=[{"kind": "button", "name": "far", "pin": 45}])
    finally:
        machine._PINS = real


def test_a_missing_configuration_leaves_the_prompt():
    app.main()  # returns instead of raising
    import os

    assert "nvs-warden.json" not in os.listdir()


def test_a_worker_that_never_comes_back_starves_the_watchdog():
    running = board()
    running.step()
    assert not running.session.stuck()
    running.session._tag = b"in flight"
    running.session._sent_at = running.clock.uptime() - 301000
    running.session._link.take = None
    running._talk = lambda: None
    assert not running.step()
