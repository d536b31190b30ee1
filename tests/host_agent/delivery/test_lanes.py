"""Lanes hold a bounded part of the backlog; the rest stays in the store."""

import asyncio

import pytest

from host_agent.delivery.lanes import Lanes
from host_agent.store import Delivered


@pytest.fixture
def lanes(store):
    lanes = Lanes(store, lane_events=4, total_events=10)
    store.on_accepted.append(lanes.offer)
    return lanes


def drain(lanes):
    """Take every event as if each was delivered at once; (device, seq) in turn."""
    order = []
    while lane := lanes.next():
        order.append((lane.device, lane.head.seq))
        lane.head = None
        lanes.give_back(lane)
    return order


def test_devices_take_turns(lanes, press):
    asyncio.run(press("door", 1, 2, 3))
    asyncio.run(press("gate", 1, 2))

    assert drain(lanes) == [("door", 1), ("gate", 1), ("door", 2), ("gate", 2), ("door", 3)]


def test_a_lane_that_overflowed_goes_on_from_the_store_in_order(lanes, press):
    asyncio.run(press("door", *range(1, 7)))
    asyncio.run(press("door", *range(7, 20)))

    assert drain(lanes) == [("door", seq) for seq in range(1, 20)]


def test_a_backlog_of_many_devices_is_held_in_part_only(lanes, press):
    for n in range(30):
        asyncio.run(press(f"board-{n:02}", *range(1, 9)))
    lanes.reread()
    taken = []
    for _ in range(30):
        lane = lanes.next()
        taken.append(lane)
    held = sum(len(lane.queue) for lane in taken)
    assert held <= 10

    for lane in taken:
        lanes.give_back(lane)
    order = drain(lanes)
    for n in range(30):
        name = f"board-{n:02}"
        assert [seq for device, seq in order if device == name] == list(range(1, 9))


def test_what_is_under_way_is_not_read_again(lanes, store, press):
    asyncio.run(press("door", 1, 2))
    lane = lanes.next()
    delivered = lane.head

    lanes.reread()
    lane.head = None
    lanes.give_back(lane)
    assert drain(lanes) == [("door", 2)]

    lanes.reread()
    assert drain(lanes) == [], "delivered, though the store does not know yet"

    asyncio.run(store.settle([Delivered(delivered.id, 0)]))
    lanes.settled([delivered.id])
    lanes.reread()
    assert drain(lanes) == []
