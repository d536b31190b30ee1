import pytest

from host_agent.link.losses import growth, losses


def test_only_counts_are_losses() -> None:
    health = {"discards": 3, "gaps": -1, "missed": True, "heap": 9, "rssi": "x"}
    assert losses(health) == {"discards": 3}


def test_a_number_beyond_what_a_metric_can_hold_is_no_count() -> None:
    assert losses({"discards": 2**53 + 1, "gaps": 10**400, "missed": 2**53}) == {"missed": 2**53}


@pytest.mark.parametrize(
    ("before", "after", "grown"),
    [
        ({}, {"discards": 2}, {"discards": 2}),
        ({"discards": 2}, {"discards": 5, "gaps": 0}, {"discards": 3}),
        ({"discards": 2}, {"discards": 2}, {}),
        ({"missed": 7}, {"missed": 1}, {"missed": 1}),
        ({"missed": 7}, {"missed": 0}, {}),
        ({"missed": 7}, {}, {}),
        ({"gaps": "?"}, {"gaps": 4}, {"gaps": 4}),
    ],
)
def test_growth_is_what_a_person_has_not_been_told(before, after, grown) -> None:
    assert growth(before, after) == grown
