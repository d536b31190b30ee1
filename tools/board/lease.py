"""While a tool works with a board, the agent keeps away from its port."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from host_agent.config import Settings, load_settings
from host_agent.link.serial.ports import named
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
    """Whether [serial] ports means it now, by any of its names."""
    return named(port, settings.serial.ports) is not None
