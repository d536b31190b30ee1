"""The journey of every event, from its capture on a board to the cloud."""

import math
import threading
from collections import Counter


class Journeys:
    """When each event was captured by its board and received by the cloud, in Unix milliseconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._captured: dict[str, float] = {}
        self._received: dict[str, float] = {}
        self._arrivals: Counter[str] = Counter()

    def captured(self, device: str, line: str, at_s: float) -> None:
        """A line of a board's console; `captured BOOT:SEQ ...` begins a journey."""
        words = line.split(" ", 2)
        if words[0] == "captured":
            with self._lock:
                self._captured[f"{device}:{words[1]}"] = at_s * 1000

    def received(self, event: str, at_ms: float) -> float | None:
        """The cloud has the event; milliseconds since its capture, None if unknown."""
        with self._lock:
            self._arrivals[event] += 1
            self._received.setdefault(event, at_ms)
            start = self._captured.get(event)
        return None if start is None else max(0.0, at_ms - start)

    def captured_at(self, event: str) -> float | None:
        with self._lock:
            return self._captured.get(event)

    def all_arrived(self) -> bool:
        with self._lock:
            return self._captured.keys() <= self._received.keys()

    def summary(self) -> dict[str, float]:
        """What arrived and what did not, and how long it took."""
        with self._lock:
            times = sorted(
                max(0.0, self._received[event] - start)
                for event, start in self._captured.items()
                if event in self._received
            )
            return {
                "captured": len(self._captured),
                "delivered": len(self._received),
                "duplicates": self._arrivals.total() - len(self._arrivals),
                "lost": len(self._captured.keys() - self._received.keys()),
                "p50_ms": _percentile(times, 0.50),
                "p99_ms": _percentile(times, 0.99),
            }


def _percentile(ascending: list[float], share: float) -> float:
    if not ascending:
        return 0.0
    return round(ascending[max(0, math.ceil(share * len(ascending)) - 1)], 1)
