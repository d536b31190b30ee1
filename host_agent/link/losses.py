"""What a board says it lost, in the `health` of its reports (DESIGN section 5)."""

from collections.abc import Mapping

_COUNTS = range(2**53 + 1)  # up to what a metric can hold exactly

LOSS_COUNTERS = ("discards", "gaps", "missed")
"""Events discarded by a full queue, lost with a reset, and edges missed by a full ring."""


def losses(health: Mapping[str, object]) -> dict[str, int]:
    """The loss counters in `health`, without those that are absent or not counts."""
    found = {}
    for name in LOSS_COUNTERS:
        value = health.get(name)
        if type(value) is int and value in _COUNTS:
            found[name] = value
    return found


def growth(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, int]:
    """By how much each counter grew; one that fell has started again at 0."""
    earlier = losses(before)
    grown = {}
    for name, count in losses(after).items():
        base = earlier.get(name, 0)
        gained = count - base if count >= base else count
        if gained:
            grown[name] = gained
    return grown
