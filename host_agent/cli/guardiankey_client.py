"""Which account at which GuardianKey a command asks: as its options say, else agent.toml."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import Parameter

from host_agent.cli.output import DEFAULT_CONFIG, ConfigPath, UsageError
from host_agent.config import load_settings
from host_agent.guardiankey import DEFAULT_API, DEFAULT_COLLECTOR, Account

if TYPE_CHECKING:
    from host_agent.guardiankey import GuardianKey

ACCOUNT = Path("guardiankey.toml")
"""The account's file where nothing names another."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Where:
    """Which account at which GuardianKey.

    Parameters
    ----------
    account
        The file that `register` wrote; else that of [guardiankey] in agent.toml, else
        guardiankey.toml.
    api
        GuardianKey's API; else that of agent.toml.
    ca
        PEM file of a private certificate authority in front of it; else that of agent.toml.
    """

    account: Path | None = None
    api: str | None = None
    ca: Path | None = None
    config: ConfigPath = DEFAULT_CONFIG


NOWHERE = Where()
"""No option was given."""


def client_of(where: Where, collector: tuple[str, int] = DEFAULT_COLLECTOR) -> "GuardianKey":
    """Raises ConfigError, or AccountError for a file that holds no account."""
    # The client brings requests, which takes longer to import than most commands altogether.
    from host_agent.guardiankey import GuardianKey

    api, ca, account = defaults(where.api, where.ca, where.config)
    return GuardianKey(Account.load(where.account or account), api, collector, ca=ca)


def defaults(api: str | None, ca: Path | None, config: Path) -> tuple[str, Path | None, Path]:
    """API, certificate authority and account file; agent.toml is read if there is one."""
    if config == DEFAULT_CONFIG and not config.exists():
        return api or DEFAULT_API, ca, ACCOUNT
    settings = load_settings(config).guardiankey
    usual_ca = Path(settings.ca) if settings.ca else None
    return api or settings.api, ca or usual_ca, Path(settings.account or ACCOUNT)


def collector_of(text: str | None) -> tuple[str, int]:
    """(host, port) of HOST:PORT, GuardianKey's own for None; raises UsageError."""
    if text is None:
        return DEFAULT_COLLECTOR
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError("--collector must be HOST:PORT")
    return host.removeprefix("[").removesuffix("]"), int(port)
