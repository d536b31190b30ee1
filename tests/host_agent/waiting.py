"""Waiting for what another thread or process does, with a deadline instead of a guess."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE_S = 40.0


def eventually(check: Callable[[], T], what: str = "it happens") -> T:
    """The first true result of `check`."""
    deadline = time.monotonic() + DEADLINE_S
    while not (result := check()):
        assert time.monotonic() < deadline, f"not within {DEADLINE_S} s: {what}"
        time.sleep(0.01)
    return result


async def until(condition: Callable[[], object]) -> None:
    """The same for a test on an event loop."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110  it may lie in another process
            await asyncio.sleep(0.005)
