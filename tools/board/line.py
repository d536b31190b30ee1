"""A serial port that never waits for ever.

`mpremote` reads in loops that end when a board falls silent; one that never does would hold it.
"""

import time
from typing import Any

from tools.board.errors import BoardLost

_WRITE_S = 10.0


class Line:
    """pyserial's port as `mpremote` uses it, with a moment at which every wait ends.

    Raises BoardLost at that moment, and OSError when the cable goes.
    """

    def __init__(self, port: Any) -> None:
        self._port = port
        self._until = float("inf")
        port.write_timeout = _WRITE_S

    def limit(self, seconds: float) -> None:
        """From now on, what is read may take so long in all."""
        self._until = time.monotonic() + seconds

    def read(self, size: int = 1) -> bytes:
        self._check()
        found: bytes = self._port.read(size)
        return found

    def inWaiting(self) -> int:  # noqa: N802 (mpremote's name for it)
        self._check()
        count: int = self._port.in_waiting
        return count

    def write(self, data: bytes) -> int:
        count: int = self._port.write(data)
        return count

    def read_for(self, seconds: float, *, ending: bytes = b"") -> bytes:
        """What comes in that time, or until `ending` has come or the line was silent for a fifth
        of it."""
        found = bytearray()
        heard = start = time.monotonic()
        while (now := time.monotonic()) < start + seconds:
            self._check()
            if count := self._port.in_waiting:
                found += self._port.read(count)
                heard = now
                if ending and ending in found:
                    break
            elif now > heard + seconds / 5 and found:
                break
            else:
                time.sleep(0.005)
        return bytes(found)

    def close(self) -> None:
        """Let the board run on: of both control lines off in this order, none resets an ESP32."""
        try:
            self._port.rts = False
            self._port.dtr = False
        except OSError:
            pass  # a pty has none, and a pulled cable neither
        finally:
            self._port.close()

    def _check(self) -> None:
        if time.monotonic() > self._until:
            raise BoardLost("the board does not come to an end of what it prints; press its reset")
