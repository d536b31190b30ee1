"""How long somebody waits who did something too often."""

import pytest

from host_agent.console.allowance import MAX_KEYS, Allowance
from tests.host_agent.clock import Clock

BURST = 20
REFILL_S = 3.0


@pytest.fixture
def allowance(clock: Clock) -> Allowance:
    return Allowance(BURST, REFILL_S, clock)


def use(allowance: Allowance, key: str, times: int = BURST) -> None:
    for _ in range(times):
        assert allowance.wait_s(key) == 0
        allowance.use(key)


def test_after_a_burst_one_more_is_let_through_at_a_time(allowance, clock) -> None:
    use(allowance, "203.0.113.5")
    assert allowance.wait_s("203.0.113.5") == REFILL_S
    clock.now += REFILL_S
    use(allowance, "203.0.113.5", times=1)
    assert allowance.wait_s("203.0.113.5") == REFILL_S


def test_after_a_while_a_burst_is_let_through_again(allowance, clock) -> None:
    use(allowance, "203.0.113.5")
    clock.now += BURST * REFILL_S
    use(allowance, "203.0.113.5")


def test_each_key_has_its_own(allowance) -> None:
    use(allowance, "203.0.113.5")
    use(allowance, "")


def test_of_too_many_keys_those_used_longest_ago_are_forgotten(allowance) -> None:
    use(allowance, "early")
    use(allowance, "late")
    for number in range(MAX_KEYS - 1):
        allowance.use(f"key {number}")
    assert allowance.wait_s("early") == 0
    assert allowance.wait_s("late") > 0
