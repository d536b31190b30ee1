"""MicroPython's Unix port, as it comes, on a pty: the plainest board there is."""

import contextlib
import fcntl
import os
import pty
import select
import subprocess
import sys
import termios
import threading
import tty
from collections.abc import Set
from pathlib import Path
from typing import Self

MICROPYTHON = Path(sys.executable).with_name("micropython")


class BareBoard:
    """`micropython` whose flash is `root`: at its prompt, or in `root/main.py` if there is one.

    It is on once it printed something, and starts anew when it ends, as a soft reset does to it.
    `machine` is the Unix port's own, without resets. `port` is the end of the pty that a cable
    would have. The cable breaks once `cut_after` bytes have gone down; of the bytes in `damage`,
    by number, one bit is flipped.
    """

    def __init__(
        self, root: Path, *, cut_after: int | None = None, damage: Set[int] = frozenset()
    ) -> None:
        self.root = root
        self.port = ""
        self.down = 0
        """Bytes that came down the cable."""
        self.starts = 0
        self._cut_after = cut_after
        self._damage = damage
        self._process: subprocess.Popen[bytes] | None = None
        self._ending, self._end = os.pipe()
        self._heard = threading.Event()
        root.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        self._cable, self._far = pty.openpty()
        self._board, self._inner = pty.openpty()
        tty.setraw(self._far)
        os.set_blocking(self._cable, False)
        _plain(self._inner)
        self.port = os.ttyname(self._far)
        self._thread = threading.Thread(target=self._pump)
        self._start()
        self._thread.start()
        assert self._heard.wait(60), "MicroPython did not start"
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._end)
        self._thread.join()
        if self._process:
            self._process.kill()
            self._process.wait()
        for descriptor in (self._far, self._inner, self._board, self._ending):
            os.close(descriptor)
        with contextlib.suppress(OSError):
            os.close(self._cable)

    def say(self, noise: bytes) -> None:
        """Bytes that come up the cable from nowhere."""
        os.write(self._cable, noise)

    def _start(self) -> None:
        program = ["main.py"] if (self.root / "main.py").exists() else []
        self._process = subprocess.Popen(
            [MICROPYTHON, "-X", "heapsize=160k", "-i", *program],
            cwd=self.root,
            env={**os.environ, "MICROPYPATH": ".frozen"},
            stdin=self._inner,
            stdout=self._inner,
            stderr=self._inner,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.starts += 1

    def _pump(self) -> None:
        while True:
            ready = select.select([self._ending, self._cable, self._board], [], [], 0.05)[0]
            if self._ending in ready:
                return
            if self._board in ready:
                self._heard.set()
                said = os.read(self._board, 4096)
                with contextlib.suppress(BlockingIOError):  # nobody reads it: it is lost
                    os.write(self._cable, said)
            if self._cable in ready and not self._carry_down(os.read(self._cable, 256)):
                os.close(self._cable)
                return
            if self._process and self._process.poll() is not None:
                self._start()

    def _carry_down(self, data: bytes) -> bool:
        """False once the cable broke."""
        count = len(data)
        if self._cut_after is not None:
            count = min(count, self._cut_after - self.down)
        carried = bytes(
            byte ^ 1 if self.down + at in self._damage else byte
            for at, byte in enumerate(data[:count])
        )
        self.down += count
        os.write(self._board, carried)
        return count == len(data)


def _plain(terminal: int) -> None:
    """Bytes as they are, but for Ctrl-C."""
    tty.setraw(terminal)
    settings = termios.tcgetattr(terminal)
    settings[3] |= termios.ISIG
    termios.tcsetattr(terminal, termios.TCSANOW, settings)
