"""Stands in for the module `socket` inside `requests`: bounds an exchange in time and in bytes.

The time-out of `requests` is for each operation, so a peer that drips could hold it for ever. Here
all operations of one thread inside `with Deadline(...)` end by one moment; other threads have
their own, without knowing of each other. Nothing blocks but `poll`: a blocking read would begin its
time-out anew whenever a collection of garbage interrupts it on the Unix port, and TLS knows none.
"""

import _thread
import select
import socket
from errno import ETIMEDOUT
from time import ticks_diff, ticks_ms

try:
    import urequests as requests
except ImportError:
    import requests


class Deadline:
    """Until when (`ticks_ms`) this thread may use sockets, and how many bytes it may be sent.

    `tls` is the context that https connections are made with; without one they are refused. What
    was opened inside the block is closed at its end.
    """

    def __init__(self, until, most_bytes, tls=None):
        self._until = until
        self.most_bytes = most_bytes
        self.tls = tls
        self.opened = []

    def left(self):
        """Milliseconds, 0 or less when it is over."""
        return ticks_diff(self._until, ticks_ms())

    def check(self):
        """The milliseconds left; OSError if none are."""
        left = self.left()
        if left <= 0:
            raise OSError(ETIMEDOUT)
        return left

    def __enter__(self):
        with _lock:
            _deadlines[_thread.get_ident()] = self
        return self

    def __exit__(self, kind, error, trace):
        with _lock:
            del _deadlines[_thread.get_ident()]
        while self.opened:
            self.opened.pop().close()


_lock = _thread.allocate_lock()
_deadlines = {}


class _Sockets:
    SOCK_STREAM = socket.SOCK_STREAM

    @staticmethod
    def getaddrinfo(*arguments):
        return socket.getaddrinfo(*arguments)

    @staticmethod
    def socket(*arguments):
        with _lock:
            deadline = _deadlines[_thread.get_ident()]
        sock = DeadlineSocket(socket.socket(*arguments), deadline)
        deadline.opened.append(sock)
        return sock


class DeadlineSocket:
    """What `requests` needs of a socket, within the Deadline."""

    def __init__(self, sock, deadline):
        self.sock = sock
        self.deadline = deadline
        self._open = True
        self._poller = select.poll()
        self._buffer = b""
        self._received = 0

    def settimeout(self, seconds):
        pass  # the common deadline rules

    def connect(self, address):
        self.sock.settimeout(self.deadline.check() / 1000)
        self.sock.connect(address)
        self.sock.setblocking(False)

    def write(self, data):
        view = memoryview(data)
        while view:
            view = view[self.send_some(view) :]

    def readline(self):
        while b"\n" not in self._buffer:
            if not self._fill(1):
                break
        end = self._buffer.find(b"\n") + 1 or len(self._buffer)
        line, self._buffer = self._buffer[:end], self._buffer[end:]
        if line[:9].lower() == b"location:":
            raise ValueError("redirects are not followed")
        return line

    def read(self, size):
        while len(self._buffer) < size and self._fill(size - len(self._buffer)):
            pass
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def close(self):
        # Once: the Unix port would close the number again, by then perhaps another thread's socket.
        if self._open:
            self._open = False
            self.sock.close()

    def send_some(self, view):
        """Send at least one byte; how many were sent."""
        self.wait(select.POLLOUT)
        return self.sock.send(view)

    def receive_some(self, wanted):
        """At least one byte, b"" at the end of the stream; `wanted` are needed to go on."""
        self.wait(select.POLLIN)
        return self.sock.recv(512)

    def wait(self, event):
        """Until the socket is ready for it. OSError if that is too late."""
        self._poller.register(self.sock, event)
        while not self._poller.poll(self.deadline.check()):
            pass

    def _fill(self, wanted):
        data = self.receive_some(wanted)
        self._buffer += data
        self._received += len(data)
        if self._received > self.deadline.most_bytes:
            raise ValueError("the answer is too long")
        return len(data)


requests.socket = _Sockets
