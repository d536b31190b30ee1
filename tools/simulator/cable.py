"""The cable to a simulated board: a pty whose slave is the port that the host opens."""

import contextlib
import os
import time
import tty
from pathlib import Path

from tools.simulator.chip import unread

_HELD = 3584  # what waits in the port for its reader: less than a terminal holds (4096)
_WAITING = 16384  # what waits here for room in the port
_STALLED_S = 0.5  # nobody reads


class Cable:
    """Plugged or not; `port` is a symlink that leads to the pty while it is plugged.

    What nobody reads is dropped, as by the driver of a USB UART. The board waits for a reader
    only when it prints more than 16 KiB, and 0.5 s at most; 4 KiB stay in the port, which a
    reader throws away when it opens it as pyserial does.
    """

    def __init__(self, port: Path) -> None:
        self.port = port
        self._master: int | None = None
        self._slave = -1  # kept open: settings stay, and a reader that goes is no hang-up
        self._waiting = bytearray()
        self._moved_s = 0.0
        self._stalled = False

    @property
    def input(self) -> int | None:
        """The descriptor that is readable when `get` has something; None: unplugged."""
        return self._master

    @property
    def full(self) -> bool:
        """Better send nothing now."""
        return len(self._waiting) >= _WAITING

    @property
    def waiting(self) -> bool:
        """`flush` has something to do."""
        return bool(self._waiting)

    def plug(self) -> None:
        """Connect: a new pty under the same name."""
        if self._master is None:
            self._master, self._slave = os.openpty()
            tty.setraw(self._slave)
            os.set_blocking(self._master, False)
            self._waiting.clear()
            self._stalled = False
            link = self.port.with_name(self.port.name + ".tmp")
            link.unlink(missing_ok=True)
            link.symlink_to(os.ttyname(self._slave))
            link.rename(self.port)

    def unplug(self) -> None:
        """Disconnect: the port is gone, and whoever has it open learns it."""
        if self._master is not None:
            self.port.unlink(missing_ok=True)
            os.close(self._master)
            os.close(self._slave)
            self._master = None
            self._waiting.clear()

    def get(self, limit: int) -> bytes:
        """Up to `limit` bytes from the host."""
        with contextlib.suppress(BlockingIOError):
            return b"" if self._master is None else os.read(self._master, limit)
        return b""

    def send(self, data: bytes) -> None:
        """Take what the board printed to the host, or drop it."""
        if self._master is None:
            return
        if self._stalled and unread(self._slave) < _HELD:
            self._stalled = False
        if not self._stalled:
            if not self._waiting:
                self._moved_s = time.monotonic()
            self._waiting += data
            self.flush()

    def flush(self) -> None:
        """Move what waits into the port as far as there is room."""
        if self._master is None or not self._waiting:
            return
        now_s = time.monotonic()
        room = _HELD - unread(self._slave)
        if room > 0:
            with contextlib.suppress(BlockingIOError):
                del self._waiting[: os.write(self._master, self._waiting[:room])]
            self._moved_s = now_s
        elif now_s - self._moved_s > _STALLED_S:
            self._stalled = True
            self._waiting.clear()
