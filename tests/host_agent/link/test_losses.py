import pytest

from host_agent.link.losses import growth, losses


def test_only_counts_are_losses() -> None:
    health = {"discards": 3, "gaps": -1, "missed": True, "heap": 9, "rssi": "x"}
    assert losses(health) == {"discards": 3}


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
