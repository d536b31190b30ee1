"""A thread that does one blocking job at a time for the main loop.

The two threads exchange finished values through one lock-guarded slot and share nothing else that
changes.
"""

import _thread
import gc
import sys
from time import sleep_ms

_IDLE_MS = 5
_LINUX_STACK = 131072  # the C library on Linux wants more


class Worker:
    """`give` it a job, then `take` until its result is there.

    The result is what `work(job)` returned, or the exception that it raised. `stack` is in bytes,
    as an ESP32 needs them.
    """

    def __init__(self, work, stack=8192):
        self._work = work
        self._lock = _thread.allocate_lock()
        self._job = None
        self._result = None
        _thread.stack_size(stack if sys.platform == "esp32" else _LINUX_STACK)
        _thread.start_new_thread(self._run, ())

    def give(self, job):
        """Hand over one job, not None; the result of the one before it must have been taken."""
        with self._lock:
            self._job = job

    def take(self):
        """The result of the job given, None while it is under way."""
        with self._lock:
            result, self._result = self._result, None
        return result

    def _run(self):
        while True:
            with self._lock:
                job, self._job = self._job, None
            if job is None:
                sleep_ms(_IDLE_MS)
                continue
            try:
                result = self._work(job)
            except Exception as error:  # whatever it is, the main loop waits for a result
                result = error
            job = None
            gc.collect()
            with self._lock:
                self._result = result
