"""Which ports the patterns in agent.toml mean now."""

import glob
import os
from collections.abc import Iterable, Sequence


def expected(patterns: Iterable[str], in_use: Iterable[str] = ()) -> list[str]:
    """Every port once, under its name `in_use` or the first that matches. Those named without a
    pattern count also when they are not there."""
    found = {_device(port): port for port in in_use}
    for pattern in patterns:
        for port in _matching(pattern):
            found.setdefault(_device(port), port)
    return list(found.values())


def is_there(port: str) -> bool:
    """Whether a device is plugged in; of a serial server nobody knows before it is called."""
    return is_url(port) or os.path.exists(port)  # noqa: PTH110 (Path raises on some names)


def named(port: str, patterns: Iterable[str]) -> str | None:
    """The port as `expected` names it, from any of its names; None if it is not among those."""
    return next((each for each in expected(patterns) if _device(each) == _device(port)), None)


def is_url(port: str) -> bool:
    """Of a serial server."""
    return "://" in port


def _matching(pattern: str) -> Sequence[str]:
    if glob.has_magic(pattern) and not is_url(pattern):
        return sorted(glob.glob(pattern))  # noqa: PTH207 (a whole path is a pattern too)
    return [pattern]


def _device(port: str) -> str:
    return port if is_url(port) else os.path.realpath(port)
