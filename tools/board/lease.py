"""While a tool works with a board, the agent keeps away from its port."""

import fnmatch
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from host_agent.config import Settings, load_settings
from host_agent.serial_leases import borrow

DEFAULT_CONFIG = Path("agent.toml")


@contextmanager
def borrowed(agent_toml: Path, port: str) -> Iterator[bool]:
    """The port is ours, also if the agent of that settings file has it open; whether it is one of
    the agent's.

    Without the usual agent.toml there is no agent to ask. Raises SerialLeaseError or ConfigError.
    """
    if agent_toml == DEFAULT_CONFIG and not agent_toml.exists():
        yield False
        return
    settings = load_settings(agent_toml)
    with borrow(Path(settings.store.path), port):
        yield is_of_agent(port, settings)


def is_of_agent(port: str, settings: Settings) -> bool:
    """Whether [serial] ports names it, by its path or by what that is a link to."""
    names = {port} if "://" in port else {port, os.path.realpath(port)}
    return any(fnmatch.fnmatchcase(name, p) for name in names for p in settings.serial.ports)
