"""Two boards on one key betray themselves: each makes the frames of the other stale."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from host_agent.throttle import Throttle

OVERTAKEN = 3
"""So often must a stale frame be followed by a frame of a higher boot ..."""
WITHIN_S = 600
"""... within this time."""
WARN_EVERY_S = 3600


@dataclass(slots=True)
class _Trace:
    stale_below: int | None = None
    overtaken: deque[float] = field(default_factory=lambda: deque(maxlen=OVERTAKEN))


class CloneWatch:
    """Sees every stale and every accepted frame of the devices."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._traces: dict[str, _Trace] = {}
        self._warnings = Throttle(WARN_EVERY_S, clock)

    def stale(self, device: str, boot: int) -> None:
        """A frame of `device` was refused; `boot` is the last accepted one."""
        self._traces.setdefault(device, _Trace()).stale_below = boot

    def accepted(self, device: str, boot: int) -> bool:
        """A frame of `boot` was accepted. True when it is time to warn of a clone."""
        trace = self._traces.get(device)
        if trace is None or trace.stale_below is None or boot <= trace.stale_below:
            return False
        trace.stale_below = None
        now = self._clock()
        trace.overtaken.append(now)
        alternating = len(trace.overtaken) == OVERTAKEN and now - trace.overtaken[0] <= WITHIN_S
        return alternating and self._warnings.allows(device)
