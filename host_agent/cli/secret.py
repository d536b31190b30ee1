"""Secrets on their way in: typed unseen, or piped; never an argument, which others could read."""

import getpass
import sys

from host_agent.cli.output import UsageError

_LONGEST = 8192
"""Bytes of a line; no secret may have that many, so that none is cut without a word."""


def read_secret(what: str, *, new: bool = False) -> str:
    """Asked for at a terminal, a new one twice; else one line of standard input.

    Raises UsageError.
    """
    if sys.stdin.isatty():
        return _asked(what, new)
    line = sys.stdin.buffer.readline(_LONGEST)
    secret = line.decode("utf-8", "replace").rstrip("\r\n")
    if not secret:
        raise UsageError(f"there is no {what}: give it as one line of standard input")
    return secret


def _asked(what: str, new: bool) -> str:
    try:
        secret = getpass.getpass(f"{what}: ")
        again = getpass.getpass(f"{what}, again: ") if new else secret
    except EOFError as error:
        raise UsageError(f"no {what} was typed") from error
    if secret != again:
        raise UsageError(f"the two entries differ: type the {what} once more")
    if not secret:
        raise UsageError(f"no {what} was typed")
    return secret
