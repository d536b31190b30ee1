"""The rules, as the table in tools/sandbox/guardiankey/risk.py tells them."""

import pytest

from tools.sandbox.guardiankey.risk import WINDOW_S, Risk

HOME, AWAY = "192.0.2.1", "198.51.100.1"


class User:
    """One user's attempts, one second after the other."""

    def __init__(self, risk=None, name="alice", group="group-1"):
        self.risk = risk or Risk()
        self.name = name
        self.group = group
        self.time = 1_700_000_000

    def tries(self, address=HOME, failed=False, later=1):
        self.time += later
        return self.risk.judge(self.group, self.name, address, failed, self.time).response

    def fails(self, times):
        return [self.tries(failed=True) for _ in range(times)]


def test_the_first_address_is_learnt_and_another_is_told():
    user = User()
    assert [user.tries(HOME), user.tries(HOME)] == ["ACCEPT", "ACCEPT"]
    assert [user.tries(AWAY), user.tries(AWAY)] == ["NOTIFY", "NOTIFY"]
    assert user.tries(HOME) == "ACCEPT"


def test_a_failed_attempt_teaches_no_address():
    user = User()
    assert user.tries(AWAY, failed=True) == "ACCEPT"
    assert user.tries(HOME) == "ACCEPT"
    assert user.tries(AWAY) == "NOTIFY"


def test_an_address_that_is_not_told_is_not_judged():
    user = User()
    assert [user.tries(""), user.tries(HOME), user.tries("")] == ["ACCEPT"] * 3
    assert user.tries(AWAY) == "NOTIFY"


def test_the_third_failure_is_told_and_the_fourth_shuts_out():
    user = User()
    assert user.fails(5) == ["ACCEPT", "ACCEPT", "HARD_NOTIFY", "BLOCK", "BLOCK"]
    assert user.tries() == "BLOCK"


def test_three_failures_do_not_keep_a_good_attempt_out():
    user = User()
    user.fails(3)
    assert user.tries() == "ACCEPT"


def test_failures_are_forgotten_after_the_window():
    user = User()
    user.fails(4)
    assert user.tries(later=WINDOW_S - 4) == "BLOCK"
    assert user.tries(later=1) == "ACCEPT"


def test_failures_that_come_late_do_not_count_now():
    """What counts is when the attempt was made."""
    user = User()
    for _ in range(4):
        user.risk.judge("group-1", "alice", HOME, True, user.time - WINDOW_S)
    assert user.tries() == "ACCEPT"


def test_failures_that_are_still_to_come_do_not_count_now():
    user = User()
    user.fails(4)
    assert user.tries(later=-100) == "ACCEPT"


@pytest.mark.parametrize("other", [{"name": "bob"}, {"group": "group-2"}])
def test_users_are_judged_apart(other):
    user = User()
    user.fails(4)
    assert User(user.risk, **other).tries(AWAY) == "ACCEPT"


def test_a_blocked_user_stays_out_until_unblocked():
    user = User()
    user.tries()
    user.risk.block("group-1", "alice")
    assert [user.tries(), user.tries(later=WINDOW_S)] == ["BLOCK", "BLOCK"]
    user.risk.block("group-1", "alice", False)
    assert user.tries() == "ACCEPT"


def test_a_learnt_address_is_no_longer_told():
    user = User()
    assert [user.tries(HOME), user.tries(AWAY)] == ["ACCEPT", "NOTIFY"]
    user.risk.learn("group-1", "alice", AWAY)
    assert [user.tries(AWAY), user.tries(HOME)] == ["ACCEPT", "ACCEPT"]


def test_risk_grows_with_the_response():
    user = User()
    judgements = [
        user.risk.judge("group-1", "alice", address, failed, user.time)
        for address, failed in ((HOME, False), (AWAY, False), *[(HOME, True)] * 4)
    ]
    assert [(each.response, each.risk) for each in judgements] == [
        ("ACCEPT", 5),
        ("NOTIFY", 50),
        ("ACCEPT", 5),
        ("ACCEPT", 5),
        ("HARD_NOTIFY", 75),
        ("BLOCK", 95),
    ]
