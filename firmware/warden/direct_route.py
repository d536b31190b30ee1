"""What the routes that need no agent have in common: a worker thread, and an end to every wait."""

from errno import ETIMEDOUT
from time import ticks_add, ticks_diff, ticks_ms

from warden import rtc
from warden.worker import Worker

try:
    import ntptime
except ImportError:
    ntptime = None  # type: ignore[assignment]

_CLOCK = "clock"  # a job of the worker beside attempts
_CLOCK_AGAIN_MS = 10000


class DirectRoute:
    """Hands one attempt at a time to `carry(message, ask, until)` in a worker thread.

    `carry` gives (response, retry, reason) and has nothing sent after `until` (ticks_ms). An
    attempt whose time is over is answered without it: a name look-up alone can hold a thread for
    much longer.
    """

    longest = None  # a message may have any length

    def __init__(self, carry, deadline_ms, stack):
        self._carry = carry
        self._deadline_ms = deadline_ms
        self._worker = Worker(self._work, stack)
        self._busy = False  # the worker has not come back yet
        self._sequential = None  # of the attempt that is to be answered
        self._until = ticks_ms()
        self._told = None
        self._has_time = ntptime is None  # or no way to get it
        self._asked_at = None

    def tick(self):
        """Set the clock by NTP while it never was: without the time there is no event, and an
        agent that tells it is not needed otherwise. Never waits."""
        if self._has_time or not self.idle():
            return
        asked_at = self._asked_at
        if asked_at is not None and ticks_diff(ticks_ms(), asked_at) < _CLOCK_AGAIN_MS:
            return
        self._has_time = rtc.now_ms() is not None
        if not self._has_time:
            self._asked_at = ticks_ms()
            self._busy = True
            self._worker.give(_CLOCK)

    def idle(self):
        """May another attempt be sent?"""
        if self._busy and self._sequential is None and self._worker.take() is not None:
            self._busy = False
        return not self._busy

    def send(self, sequential, message, ask):
        """Hand over one attempt, when idle; `ask` for a verdict or only record it."""
        self._sequential = sequential
        self._busy = True
        self._until = ticks_add(ticks_ms(), self._deadline_ms)
        self._worker.give((message, ask, self._until))

    def take(self):
        """(sequential, response, retry) of the attempt, None while it is under way.

        `response` is ACCEPT, NOTIFY, HARD_NOTIFY, BLOCK, SENT or ERROR; `retry` of an ERROR tells
        whether the service did not take the attempt and may get it again.
        """
        if self._sequential is None:
            return None
        result = self._worker.take()
        if result is not None:
            self._busy = False
        elif ticks_diff(self._until, ticks_ms()) > 0:
            return None
        else:
            result = OSError(ETIMEDOUT)
        if isinstance(result, Exception):
            result = ("ERROR", True, self._why(result))
        sequential, self._sequential = self._sequential, None
        response, retry, reason = result
        self._tell(reason if response == "ERROR" else "attempts go out")
        return sequential, response, retry

    def _work(self, job):
        if job == _CLOCK:
            ntptime.settime()
            return True
        return self._carry(*job)

    def _why(self, error):
        if isinstance(error, OSError) and error.args[0] == ETIMEDOUT:
            return "no answer within %d ms" % self._deadline_ms
        return repr(error)

    def _tell(self, state):
        if state != self._told:
            self._told = state
            print("guardiankey:", state)
