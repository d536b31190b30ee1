"""MicroPython's prompt on a board: stock `mpremote`."""

import signal
import subprocess
import sys

from tools.board.errors import BoardError


def shell(port: str) -> None:
    """Hand the terminal to mpremote until the person leaves it. Raises BoardError if it fails."""
    if not sys.stdin.isatty():
        raise BoardError("the prompt needs a terminal; for scripts there is `mpremote exec`")
    print("Ctrl-C stops the board's app, Ctrl-D starts it again, Ctrl-] leaves.", flush=True)
    before = signal.signal(signal.SIGINT, _leave_it_to_the_child)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", port, "resume", "repl"],
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        if last == "KeyboardInterrupt":  # before the terminal was mpremote's
            raise KeyboardInterrupt
        raise BoardError(f"the prompt on {port} is gone: {last or 'mpremote failed'}")


def _leave_it_to_the_child(*_: object) -> None:
    """Unlike SIG_IGN this is not inherited."""
