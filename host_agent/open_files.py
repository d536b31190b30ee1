"""How many files, connections among them, the process may have open."""

import resource
from contextlib import suppress

ENOUGH = 8192
"""For all listeners' connections, requests under way, ports and the store."""


def admit_open_files() -> None:
    """As many as the system lets the process have, ENOUGH at most. Most systems admit 1024 or 256
    to who does not ask: a few idle connections would then keep all others out."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # macOS admits fewer than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
