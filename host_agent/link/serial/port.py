"""One open serial port, by pyserial: opened without resetting the board, read and written without
waiting.

DTR and RTS drive EN and IO0 of an ESP32 through two transistors, which do nothing as long as both
lines are equal (esptool documentation, "Boot Mode Selection"). Linux asserts both together when it
opens a port, pyserial leaves them so, and without HUPCL closing does not move them.
"""

import errno
import grp
import os
import select
import socket
import stat
import termios
from contextlib import suppress
from pathlib import Path

import serial

from host_agent.errors import ThingWardenError

BAUD = 115200
_READ_BYTES = 4096
_BUSY = (errno.EAGAIN, errno.EBUSY)
_GONE = (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO)


class PortError(ThingWardenError):
    """A port cannot be opened, or is gone: what is wrong, and what to do, to follow its name."""


class Port:
    """An open port. Raises PortError from `read` once it is gone; `write` never does."""

    def __init__(self, path: str) -> None:
        """Opens it, which may take seconds with socket://. Raises PortError."""
        try:
            opened = serial.serial_for_url(path, BAUD, timeout=0, exclusive=True)
        except (OSError, ValueError, termios.error) as error:
            raise PortError(_advice(path, error)) from error
        self._serial = opened
        self._rest = b""
        self._readable = select.poll()
        self._readable.register(self.fileno(), select.POLLIN)
        with suppress(OSError, termios.error):
            _prepare(self.fileno())

    def fileno(self) -> int:
        descriptor: int = self._serial.fileno()
        return descriptor

    def read(self) -> bytes:
        """What is there, some KiB at most. Not by pyserial, whose select() takes no descriptor
        beyond 1023, which an agent with many connections has."""
        try:
            if not self._readable.poll(0):
                return b""
            found = os.read(self.fileno(), _READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise PortError("is gone") from error
        if not found:
            raise PortError("is gone")
        return found

    def write(self, line: bytes) -> bool:
        """Whether a short line went out; if not even the rest of the line before does, it is
        dropped."""
        try:
            if self._rest:
                self._rest = self._rest[os.write(self.fileno(), self._rest) :]
            if self._rest:
                return False
            self._rest = line[os.write(self.fileno(), line) :]
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Takes 0.3 s with socket://."""
        with suppress(OSError, termios.error):
            self._serial.reset_output_buffer()
        with suppress(OSError):
            self._serial.close()


def _prepare(descriptor: int) -> None:
    if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        with socket.socket(fileno=os.dup(descriptor)) as connection:
            # A serial server that lost its power says nothing.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    else:
        attributes = termios.tcgetattr(descriptor)
        attributes[2] &= ~termios.HUPCL
        termios.tcsetattr(descriptor, termios.TCSANOW, attributes)


def _advice(path: str, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number in (errno.EACCES, errno.EPERM):
        group = _group_of(path)
        return (
            f"may not be opened: add yourself to the group {group}"
            f" (sudo usermod -aG {group} $USER) and log in again"
        )
    if number in _BUSY:
        return "is not free: another program has it"
    if number in _GONE:
        return "is gone"
    return f"cannot be opened: {error}"


def _group_of(path: str) -> str:
    """Who may use the device beside root: dialout on Debian."""
    try:
        return grp.getgrgid(Path(path).stat().st_gid).gr_name
    except (OSError, KeyError):
        return "dialout"
