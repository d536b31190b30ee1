"""The store that a command works on."""

from pathlib import Path

from host_agent.config import load_settings
from host_agent.store import Store


def open_store(config: Path) -> Store:
    """The store of the agent with that settings file."""
    return Store.open(Path(load_settings(config).store.path))
