"""How long an address waits that failed too often."""

import pytest

from host_agent.console.api.failures import BURST, MAX_ADDRESSES, REFILL_S, Failures
from tests.host_agent.console.clock import Clock


@pytest.fixture
def failures(clock: Clock) -> Failures:
    return Failures(clock)


def fail(failures: Failures, address: str, times: int = BURST) -> None:
    for _ in range(times):
        assert failures.wait_s(address) == 0
        failures.add(address)


def test_after_a_burst_one_more_is_let_through_at_a_time(failures, clock) -> None:
    fail(failures, "203.0.113.5")
    assert failures.wait_s("203.0.113.5") == REFILL_S
    clock.now += REFILL_S
    fail(failures, "203.0.113.5", times=1)
    assert failures.wait_s("203.0.113.5") == REFILL_S


def test_after_a_while_a_burst_is_let_through_again(failures, clock) -> None:
    fail(failures, "203.0.113.5")
    clock.now += BURST * REFILL_S
    fail(failures, "203.0.113.5")


@pytest.mark.parametrize(
    ("other", "waits"),
    [
        ("2001:db8::ffff", True),
        ("2001:db8:0:1::1", False),
        ("203.0.113.5", False),
        ("", False),
    ],
)
def test_a_network_of_ipv6_is_one_client(failures, other: str, waits: bool) -> None:
    fail(failures, "2001:db8::1")
    assert (failures.wait_s(other) > 0) is waits


def test_of_too_many_addresses_those_that_failed_longest_ago_are_forgotten(failures) -> None:
    fail(failures, "early")
    fail(failures, "late")
    for number in range(MAX_ADDRESSES - 1):
        failures.add(f"address {number}")
    assert failures.wait_s("early") == 0
    assert failures.wait_s("late") > 0
