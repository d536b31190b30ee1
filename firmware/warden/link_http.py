"""Carries one sealed frame at a time over HTTP, in a worker thread with a total deadline."""

from errno import ETIMEDOUT
from time import ticks_add, ticks_ms

from warden.deadline_sockets import Deadline
from warden.frames import REPLY_LIMIT
from warden.http_post import post
from warden.session import Transfer
from warden.worker import Worker

_DEADLINE_MS = 8000
_HEAD_LIMIT = 2048


class HttpLink:
    """`send` a frame, then `take` until it gives the Transfer."""

    def __init__(self, agent, deadline_ms=_DEADLINE_MS):
        self._url = agent + "/v1/frames"
        self._deadline_ms = deadline_ms
        self._worker = Worker(self._post)

    def send(self, frame):
        """Hand over one frame; the one before it must have been taken."""
        self._worker.give(frame)

    def take(self):
        """The Transfer of the frame sent, None while it is under way."""
        result = self._worker.take()
        if isinstance(result, Exception):
            return Transfer(0, b"", 0, self._why(result))
        return result

    def _post(self, frame):
        until = ticks_add(ticks_ms(), self._deadline_ms)
        deadline = Deadline(until, _HEAD_LIMIT + REPLY_LIMIT)
        answer = post(self._url, "application/jose", frame, REPLY_LIMIT, deadline)
        return Transfer(answer[0], answer[1], answer[2], None)

    def _why(self, error):
        if isinstance(error, OSError) and error.args[0] == ETIMEDOUT:
            return "no whole answer within %d ms" % self._deadline_ms
        return repr(error)
