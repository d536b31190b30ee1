"""The lock that lets one thread at a time run Python: an ESP32 has it, the Unix port does not.

There threads run at the same time, and while one collects garbage another moves a reference where
the collector has looked already: what is in use is freed, and the interpreter crashes now and then.
Here a thread takes turns with the others. It gives its turn away only while it sleeps or polls, and
allocates nothing there (who allocates may collect). Who keeps a turn for some 0.3 s, because it
computes or waits in C (at the prompt, say), is waited for no longer: the others run unlocked until
that turn ends. Import `time` or `select` first: `_thread` is this one from then on.
"""

import _thread
import sys

from utime import sleep_us

_LOOK_US = 200
_PATIENCE = 1250  # looks

_lock = _thread.allocate_lock()
_holder = [0]
_turns = [0, -1]  # the present one's number, and that of the last one not waited for


def take():
    """Wait for this thread's turn; False if it has it already, or has waited long enough.

    Allocates nothing, as `give`.
    """
    if _holder[0] == _thread.get_ident():
        return False
    turn, looks = _turns[0], 0
    while not _lock.acquire(0):
        if _turns[0] != turn:
            turn, looks = _turns[0], 0
        elif turn == _turns[1] or looks == _PATIENCE:
            _turns[1] = turn
            return False
        sleep_us(_LOOK_US)
        looks += 1
    _holder[0] = _thread.get_ident()
    _turns[0] += 1
    return True


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
