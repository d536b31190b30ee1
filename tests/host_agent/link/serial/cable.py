"""The board's end of a serial port: a pty that can be plugged in and out, and a board on it."""

import os
import select
import time
import tty
from pathlib import Path
from typing import Any

from tests.host_agent.conftest import SealedBoard

PIECE = 112
DEADLINE_S = 40.0


class Cable:
    """While it is plugged in, `port` links to a pty, as a name under /dev/serial/by-id does."""

    def __init__(self, port: Path) -> None:
        self.port = port
        self._master = self._slave = -1
        self._received = b""

    def plug(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port.symlink_to(os.ttyname(self._slave))

    def unplug(self) -> None:
        self.port.unlink()
        os.close(self._slave)
        os.close(self._master)
        self._master = -1
        self._received = b""

    def close(self) -> None:
        if self._master >= 0:
            self.unplug()

    def write(self, data: bytes) -> None:
        while data:
            select.select([], [self._master], [], DEADLINE_S)
            data = data[os.write(self._master, data) :]

    def line(self, within_s: float = DEADLINE_S) -> bytes | None:
        """The next line from the agent without its end; None if none comes in time."""
        deadline = time.monotonic() + within_s
        while b"\n" not in self._received:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._master], [], [], left)[0]:
                return None
            self._received += os.read(self._master, 4096)
        line, _, self._received = self._received.partition(b"\n")
        assert len(line) < 128
        return line

    def wait_for(self, wanted: bytes) -> None:
        """Until the agent has sent this line; others before it do not count."""
        while (line := self.line()) != wanted:
            assert line is not None, f"no {wanted!r} came"

    def drain(self) -> None:
        """Forget what the agent has sent so far."""
        while self.line(0) is not None:
            pass


class CableBoard:
    """A sealed board that talks over a cable as the firmware does."""

    def __init__(self, sealed: SealedBoard, cable: Cable) -> None:
        self.sealed = sealed
        self.cable = cable

    def pieces(self, frame: bytes, size: int = PIECE) -> list[bytes]:
        """The lines that carry a frame."""
        texts = [frame[start : start + size] for start in range(0, len(frame), size)]
        return [b"~%d:%s\n" % (len(texts) - 1 - n, text) for n, text in enumerate(texts)]

    def report(self, *events: object, **fields: object) -> dict[str, Any]:
        """Send a report in pieces; what its reply says."""
        self.cable.write(b"".join(self.pieces(self.sealed.seal(*events, **fields))))
        return self.sealed.open(self.reply())

    def reply(self) -> bytes:
        """The reply to the frame just sent, piece by piece."""
        left, text = self.piece()
        while left:
            self.cable.write(b"~?%d\n" % (left - 1))
            following, piece = self.piece()
            assert following == left - 1
            left, text = following, text + piece
        return text

    def piece(self) -> tuple[int, bytes]:
        """(left, text) of the next piece; nudges do not count."""
        while (line := self.cable.line()) == b"~?" or line == b"":
            pass
        assert line is not None, "no piece came"
        left, _, text = line.removeprefix(b"~").partition(b":")
        return int(left), text
