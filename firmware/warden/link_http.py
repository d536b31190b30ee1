"""Carries one sealed frame at a time over HTTP, in a worker thread with a total deadline.

`requests` blocks, so it never runs in the main loop. The two threads exchange finished bytes
through one lock-guarded slot and share nothing else that changes.
"""

import _thread
import gc
import socket
import sys
from errno import ETIMEDOUT
from time import sleep_ms, ticks_add, ticks_diff, ticks_ms

try:
    import urequests as requests
except ImportError:
    import requests

from warden.frames import REPLY_LIMIT

_DEADLINE_MS = 8000
_HEAD_LIMIT = 2048
_STACK = 8192 if sys.platform == "esp32" else 65536  # the C library on Linux wants more


class Transfer:
    """What became of a frame: HTTP `status` (0: none came), `body`, `retry_s`, `error` text."""

    def __init__(self, status, body, retry_s, error):
        self.status = status
        self.body = body
        self.retry_s = retry_s
        self.error = error


class HttpLink:
    """`send` a frame, then `take` until it gives the Transfer."""

    def __init__(self, agent, deadline_ms=_DEADLINE_MS):
        self._url = agent + "/v1/frames"
        self._deadline_ms = deadline_ms
        self._lock = _thread.allocate_lock()
        self._frame = None
        self._transfer = None
        requests.socket = _DeadlineSockets
        _thread.stack_size(_STACK)
        _thread.start_new_thread(self._work, ())

    def send(self, frame):
        """Hand over one frame; the one before it must have been taken."""
        with self._lock:
            self._frame = frame

    def take(self):
        """The Transfer of the frame sent, None while it is under way."""
        with self._lock:
            transfer, self._transfer = self._transfer, None
        return transfer

    def _work(self):
        while True:
            with self._lock:
                frame, self._frame = self._frame, None
            if frame is None:
                sleep_ms(5)
                continue
            transfer = self._post(frame)
            with self._lock:
                self._transfer = transfer

    def _post(self, frame):
        _DeadlineSockets.until = ticks_add(ticks_ms(), self._deadline_ms)
        response = None
        try:
            response = requests.post(
                self._url, data=frame, headers={"Content-Type": "application/jose"}
            )
            length = min(_number(response.headers, "content-length", 1 << 20), REPLY_LIMIT + 1)
            body = response.raw.read(length)
            retry_s = _number(response.headers, "retry-after", 0)
            return Transfer(response.status_code, body, retry_s, None)
        except Exception as error:  # whatever it is, the main loop waits for a Transfer
            return Transfer(0, b"", 0, self._why(error))
        finally:
            if response:
                response.close()
            _DeadlineSockets.close_all()
            gc.collect()

    def _why(self, error):
        if _left() <= 0:
            return "no whole answer within %d ms" % self._deadline_ms
        return repr(error)


def _left():
    return ticks_diff(_DeadlineSockets.until, ticks_ms())


def _number(headers, wanted, default):
    for name, value in headers.items():
        if name.lower() == wanted and value.isdigit():
            return int(value)
    return default


class _DeadlineSockets:
    """Stands in for the module `socket` inside `requests`: all operations end by one moment."""

    SOCK_STREAM = socket.SOCK_STREAM
    until = ticks_ms()
    opened = []

    @staticmethod
    def getaddrinfo(*arguments):
        return socket.getaddrinfo(*arguments)

    @staticmethod
    def socket(*arguments):
        sock = _DeadlineSocket(socket.socket(*arguments))
        _DeadlineSockets.opened.append(sock)
        return sock

    @staticmethod
    def close_all():
        while _DeadlineSockets.opened:
            _DeadlineSockets.opened.pop().close()


class _DeadlineSocket:
    """A socket that also bounds what a peer can make us read."""

    def __init__(self, sock):
        self._sock = sock
        self._buffer = b""
        self._received = 0

    def settimeout(self, seconds):
        pass  # the common deadline rules

    def connect(self, address):
        self._arm()
        self._sock.connect(address)

    def write(self, data):
        view = memoryview(data)
        while view:
            self._arm()
            view = view[self._sock.send(view) :]

    def readline(self):
        while b"\n" not in self._buffer:
            if not self._fill():
                break
        end = self._buffer.find(b"\n") + 1 or len(self._buffer)
        line, self._buffer = self._buffer[:end], self._buffer[end:]
        if line[:9].lower() == b"location:":
            raise ValueError("redirects are not followed")
        return line

    def read(self, size):
        while len(self._buffer) < size and self._fill():
            pass
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def close(self):
        self._sock.close()

    def _fill(self):
        self._arm()
        data = self._sock.recv(512)
        self._buffer += data
        self._received += len(data)
        if self._received > _HEAD_LIMIT + REPLY_LIMIT:
            raise ValueError("the answer is too long")
        return len(data)

    def _arm(self):
        left = _left()
        if left <= 0:
            raise OSError(ETIMEDOUT)
        self._sock.settimeout(left / 1000)
