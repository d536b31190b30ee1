"""Which event is next: one lane per device keeps its order, all lanes take turns."""

from collections import deque
from collections.abc import Iterable

from host_agent.store import Outgoing, Store

LANE_EVENTS = 64
TOTAL_EVENTS = 10_000


class Lane:
    """A device's events to come. It is ready, under way, or waiting for its head to be due."""

    __slots__ = ("behind", "device", "head", "last_id", "queue")

    def __init__(self, device: str) -> None:
        self.device = device
        self.head: Outgoing | None = None
        """The event under way or to be retried."""
        self.queue: deque[Outgoing] = deque()
        self.last_id = 0
        """The last event that went into the queue."""
        self.behind = False
        """More events than fit here wait in the store, after `last_id`."""


class Lanes:
    """All devices that have events to deliver, in bounded memory: the rest stays in the store."""

    def __init__(
        self, store: Store, lane_events: int = LANE_EVENTS, total_events: int = TOTAL_EVENTS
    ) -> None:
        self._store = store
        self._lane_events = lane_events
        self._total_events = total_events
        self._queued = 0
        self._lanes: dict[str, Lane] = {}
        self._ready: deque[Lane] = deque()
        self._open: set[int] = set()
        """Events taken from their lane whose end the store does not know yet."""

    def offer(self, events: Iterable[Outgoing]) -> None:
        """Events just accepted, in their order."""
        for event in events:
            if event.id in self._open:
                continue
            lane = self._lanes.get(event.device) or self._new(event.device)
            if lane.behind or event.id <= lane.last_id:
                continue
            if len(lane.queue) >= self._lane_events or self._queued >= self._total_events:
                lane.behind = True
                continue
            lane.queue.append(event)
            lane.last_id = event.id
            self._queued += 1

    def reread(self) -> None:
        """Take what is pending from the store anew, because it changed there."""
        for device in self._store.devices_with_pending():
            lane = self._lanes.get(device) or self._new(device)
            self._queued -= len(lane.queue)
            lane.queue.clear()
            lane.last_id = 0
            lane.behind = True

    def next(self) -> Lane | None:
        """The lane whose turn it is, with an event at its head; the caller gives it back. Raises
        StoreError, and then tries the lane again at the next call."""
        while self._ready:
            lane = self._ready[0]
            if lane.head is None:
                lane.head = self._next_event(lane)
            self._ready.popleft()
            if lane.head is not None:
                return lane
            del self._lanes[lane.device]
        return None

    def give_back(self, lane: Lane) -> None:
        """The lane's turn is over; its head, if any, is tried again."""
        self._ready.append(lane)

    def settled(self, ids: Iterable[int]) -> None:
        """The store knows the outcome of these."""
        self._open.difference_update(ids)

    def _new(self, device: str) -> Lane:
        lane = self._lanes[device] = Lane(device)
        self._ready.append(lane)
        return lane

    def _next_event(self, lane: Lane) -> Outgoing | None:
        while not lane.queue and lane.behind:
            self._refill(lane)
        if not lane.queue:
            return None
        event = lane.queue.popleft()
        self._queued -= 1
        self._open.add(event.id)
        return event

    def _refill(self, lane: Lane) -> None:
        room = max(1, min(self._lane_events, self._total_events - self._queued))
        events = self._store.pending(lane.device, lane.last_id, room)
        lane.behind = len(events) == room
        if events:
            lane.last_id = events[-1].id
        lane.queue.extend(event for event in events if event.id not in self._open)
        self._queued += len(lane.queue)
