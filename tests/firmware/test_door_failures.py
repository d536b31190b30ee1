"""A door when something fails, or somebody tries: see doorstep."""

import machine
from doorstep import PIN, Doorstep
from support import raises


def test_repeated_failures_lock_everybody_out_without_hashing():
    at = Doorstep("open", lockout_after=3)
    for _ in range(3):
        assert at.decide("9999")["reason"] == "unknown"

    def hasher(*_):
        raise AssertionError("hashed during a lock-out")

    at.access.hasher, real = hasher, at.access.hasher
    params = at.decide("1234")
    assert (params["user"], params["reason"]) == ("front-door keypad", "lockout")
    assert not params["granted"] and not params["opened"]
    assert at.attempts[-1]["event"]["loginFailed"] == "1"
    at.access.hasher = real
    at.run(60000)
    assert at.decide("1234")["opened"]


def test_a_failure_is_durable_before_its_outcome_shows():
    at = Doorstep(lockout_after=1)
    at.enter("9999")
    while not at.attempts:
        at.tick()
    assert not at.events
    at.reset()
    at.run(100)
    assert at.decide("1234")["reason"] == "lockout"


def test_entries_during_a_judgement_are_missed():
    at = Doorstep()
    at.response = None
    at.enter("1234")
    at.run(100)
    at.enter("1234")
    at.enter("9999")
    at.run(4000)
    assert len(at.events) == 1 and at.door.missed == 2
    at.reader.missed = 3
    assert at.door.missed == 5


def test_a_slow_hash_is_sliced_and_its_time_counts():
    at = Doorstep("open")
    steps = []

    class Slow:
        def step(self, budget_ms):
            assert budget_ms <= 10
            steps.append(budget_ms)
            return bytes(16) if len(steps) == 300 else None

    at.access.hasher = lambda kind, text: Slow()
    at.response = None
    at.enter("1234")
    at.run(3000)
    assert len(steps) == 300 and not at.events and not at.door.hashing
    at.run(980)
    assert not at.events
    at.run(40)
    assert len(at.events) == 1


def test_a_part_that_fails_shuts_the_door_and_counts_as_a_failure():
    def broken(*_):
        raise MemoryError

    at = Doorstep("open", lockout_after=1)
    at.decide("1234")
    assert at.is_open()
    at.access.lookup, real = broken, at.access.lookup
    at.enter("1234")
    with raises(MemoryError):
        at.run(100)
    assert not at.is_open() and not at.door.hashing
    at.access.lookup = real
    assert at.decide("1234")["reason"] == "lockout"


def test_a_broken_reader_shuts_the_door_and_is_no_attempt():
    at = Doorstep()
    at.decide("1234")
    at.reader.broken = True
    with raises(OSError):
        at.tick()
    assert not at.is_open()
    at.reader.broken = False
    assert at.decide("1234")["opened"]


def test_an_error_while_a_verdict_is_awaited_does_not_hold_late_attempts_back():
    at = Doorstep()
    at.response = None
    at.enter("1234")
    at.run(500)
    at.reader.broken = True
    with raises(OSError):
        at.tick()
    at.reader.broken = False
    at.run(4000)
    at.hang_up()
    assert len(at.late) == 1 and not at.is_open()
    at.run(20000)
    assert len(at.late) == 0 and at.attempts[-1]["id"] == 1


def test_numbers_that_cannot_be_kept_leave_the_rule_for_no_verdict():
    for rule, opens in (("open", True), ("closed", False)):
        at = Doorstep(rule)
        at.numbers.broken = True
        params = at.decide("1234")
        assert params["opened"] == opens and params["attempt"] == 0
        assert "guardiankey: no event:" in at.lines[0]
        assert not at.attempts


def test_the_lock_is_shut_after_a_power_cut_at_any_moment():
    for rounds in range(1, 12):
        at = Doorstep()
        machine.Pin(PIN).value(0)
        at.enter("1234")
        for _ in range(rounds):
            at.tick()
        numbers = [attempt["id"] for attempt in at.attempts]
        at.reset()
        assert not at.is_open()
        at.run(200)
        assert not at.is_open()
        params = at.decide("1234")
        assert params["opened"] and params["attempt"] not in numbers


def test_a_lockdown_shuts_a_lock_that_is_open():
    at = Doorstep()
    assert at.decide("1234")["opened"]
    at.replicate(lockdown=True)
    at.tick()
    assert not at.is_open()
