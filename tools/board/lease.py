"""While a tool works with a board, the agent keeps away from its port."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from host_agent.config import load_settings
from host_agent.serial_leases import borrow

DEFAULT_CONFIG = Path("agent.toml")


@contextmanager
def borrowed(agent_toml: Path, port: str) -> Iterator[None]:
    """The port is ours, also if the agent of that settings file has it open.

    Without the usual agent.toml there is no agent to ask. Raises SerialLeaseError or ConfigError.
    """
    if agent_toml == DEFAULT_CONFIG and not agent_toml.exists():
        yield
        return
    with borrow(Path(load_settings(agent_toml).store.path), port):
        yield
