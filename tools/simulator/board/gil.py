"""The lock that lets one thread at a time run Python: an ESP32 has it, the Unix port does not.

There threads run at the same time, and while one collects garbage another moves a reference where
the collector has looked already: what is in use is freed, and the interpreter crashes now and then.
Here a thread takes turns with the others: it gives its turn away while it sleeps or polls, where it
allocates nothing (who allocates may collect). It is not interrupted else, as it is on an ESP32. A
thread that keeps its turn for `_PATIENCE` looks waits in C, at the prompt say: others go on.
"""

import _thread
import sys

from utime import sleep_us

_LOOK_US = 200
_PATIENCE = 1250

_lock = _thread.allocate_lock()
_holder = [0]
_turns = [0, -1]  # the present one's number, and that of the last one not waited for


def take():
    """Wait for this thread's turn; allocates nothing, as `give`."""
    for _ in range(_PATIENCE):
        if _lock.acquire(0):
            _holder[0] = _thread.get_ident()
            _turns[0] = (_turns[0] + 1) & 0xFFFF
            return
        if _turns[0] == _turns[1]:
            return
        sleep_us(_LOOK_US)
    _turns[1] = _turns[0]


def give():
    """End this thread's turn, if it has one."""
    if _holder[0] == _thread.get_ident():
        _holder[0] = 0
        _lock.release()


def start_new_thread(function, arguments):
    """As in `_thread`; the new thread waits for its first turn."""

    def run():
        take()
        try:
            function(*arguments)
        finally:
            give()

    return _thread.start_new_thread(run, ())


class _Threads:
    """Stands in for the module `_thread`."""

    LockType = _thread.LockType
    allocate_lock = _thread.allocate_lock
    exit = _thread.exit
    get_ident = _thread.get_ident
    stack_size = _thread.stack_size
    start_new_thread = start_new_thread


take()
sys.modules["_thread"] = _Threads
