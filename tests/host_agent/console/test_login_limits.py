"""How long somebody who fails to log in has to wait."""

from host_agent.console.login_limits import (
    FIRST_WAIT_S,
    FORGET_S,
    FREE_FAILURES,
    LONGEST_WAIT_S,
    MAX_KEYS,
    LoginLimits,
)
from tests.host_agent.clock import Clock


def seconds(limits: LoginLimits, address: str, user: str) -> int:
    wait = limits.wait(address, user)
    return wait.seconds if wait else 0


def fail(limits: LoginLimits, address: str, user: str, times: int = FREE_FAILURES) -> None:
    for _ in range(times):
        limits.begin(address, user)


def test_each_failure_beyond_the_free_ones_doubles_the_wait() -> None:
    clock = Clock()
    limits = LoginLimits(clock)
    fail(limits, "192.0.2.1", "ann", FREE_FAILURES - 1)
    waits = []
    for _ in range(10):
        assert limits.wait("192.0.2.1", "ann") is None
        limits.begin("192.0.2.1", "ann")
        waits.append(seconds(limits, "192.0.2.1", "ann"))
        clock.now += waits[-1]
    assert waits[:3] == [FIRST_WAIT_S, 2 * FIRST_WAIT_S, 4 * FIRST_WAIT_S]
    assert waits[-1] == LONGEST_WAIT_S
    clock.now += FORGET_S
    limits.begin("192.0.2.1", "ann")
    assert limits.wait("192.0.2.1", "ann") is None


def test_an_address_waits_whatever_the_user_and_a_user_wherever_from() -> None:
    limits = LoginLimits(Clock())
    fail(limits, "192.0.2.1", "ann")
    assert seconds(limits, "192.0.2.1", "bob") == FIRST_WAIT_S
    assert seconds(limits, "192.0.2.2", "ann") == FIRST_WAIT_S
    assert limits.wait("192.0.2.2", "bob") is None


def test_one_network_of_ipv6_is_one_client() -> None:
    limits = LoginLimits(Clock())
    for number in range(FREE_FAILURES):
        limits.begin(f"2001:db8::{number}", f"user{number}")
    assert limits.wait("2001:db8::ffff:1", "ann")
    assert limits.wait("2001:db8:0:1::1", "ann") is None


def test_a_success_takes_back_its_own_failures_only() -> None:
    limits = LoginLimits(Clock())
    fail(limits, "192.0.2.1", "ann", FREE_FAILURES - 1)
    limits.begin("192.0.2.1", "bob")
    limits.succeeded("192.0.2.1", "bob")
    limits.begin("192.0.2.1", "ann")
    assert limits.wait("192.0.2.1", "ann")
    limits.succeeded("192.0.2.1", "ann")
    assert limits.wait("192.0.2.1", "ann") is None
    fail(limits, "192.0.2.1", "ann", FREE_FAILURES - 1)
    assert limits.wait("192.0.2.1", "ann") is None


def test_a_wait_is_new_once() -> None:
    limits = LoginLimits(Clock())
    fail(limits, "192.0.2.1", "ann")
    told = [limits.wait("192.0.2.1", "ann") for _ in range(3)]
    assert [wait.new for wait in told if wait] == [True, False, False]


def test_memory_is_bounded_and_those_that_failed_last_are_remembered() -> None:
    limits = LoginLimits(Clock())
    fail(limits, "192.0.2.1", "ann")
    for number in range(MAX_KEYS // 3):
        limits.begin(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", f"user{number}")
    assert limits.wait("192.0.2.1", "ann") is None
    fail(limits, "192.0.2.1", "ann")
    assert limits.wait("192.0.2.1", "ann")
