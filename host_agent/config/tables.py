"""The tables of agent.toml: fields, defaults, and what may be in them."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from host_agent.config.app import AppSettings
from host_agent.config.errors import ConfigError
from host_agent.config.guardiankey import GuardianKeySettings
from host_agent.config.serial import SerialSettings
from host_agent.config.values import address, check_address, check_file, check_proxies, check_url
from host_agent.delivery.settings import DeliverySettings, Endpoint
from host_agent.securithings import DEFAULT_URL, api_key_problem

ENVIRONMENT = {"api_key": "THINGWARDEN_API_KEY", "api_secret": "THINGWARDEN_API_SECRET"}
"""Variables that replace fields of [securithings]."""


class SecuriThingsSettings(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Where events go, and the account they go to."""

    api_key: str = ""
    api_secret: str = ""
    url: str = DEFAULT_URL

    def __post_init__(self) -> None:
        if problem := api_key_problem(self.api_key):
            raise ValueError(f"api_key: {problem}")
        check_url("url", self.url, DEFAULT_URL)

    def __repr__(self) -> str:
        return f"SecuriThingsSettings(url={self.url!r})"

    def endpoint(self) -> Endpoint:
        """Raises ConfigError as long as the credentials are missing."""
        for field, variable in ENVIRONMENT.items():
            if not getattr(self, field):
                raise ConfigError(
                    f"no credentials for SecuriThings: set {field} under [securithings] in"
                    f" agent.toml, or {variable} in the environment"
                )
        return Endpoint(self.url, self.api_key, self.api_secret)


class _Listening(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    listen: str

    def __post_init__(self) -> None:
        check_address("listen", self.listen)

    @property
    def address(self) -> tuple[str, int]:
        return address(self.listen)


class LinkSettings(_Listening, frozen=True):
    """The device link, for boards on the local network."""

    listen: str = "0.0.0.0:8710"


class ConsoleSettings(_Listening, frozen=True):
    """The console: where people and programs find it, and whom it believes about where they come
    from."""

    listen: str = "127.0.0.1:8711"
    trusted_proxies: list[str] = []

    def __post_init__(self) -> None:
        check_address("listen", self.listen)
        check_proxies("trusted_proxies", self.trusted_proxies)


class StoreSettings(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The file of what must not be lost, and how much may wait in it."""

    path: Annotated[str, Meta(min_length=1)] = "thingwarden.db"
    max_events: Annotated[int, Meta(ge=1, le=100_000_000)] = 1_000_000
    max_bytes: Annotated[int, Meta(ge=1 << 20, le=1 << 40)] = 1 << 30

    def __post_init__(self) -> None:
        check_file("path", self.path, "thingwarden.db")

    def located(self, directory: Path) -> "StoreSettings":
        """With the path as seen from `directory`."""
        return msgspec.structs.replace(self, path=str(directory / self.path))


class LogSettings(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What the agent tells on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Everything in agent.toml. Files are absolute once loaded from one."""

    securithings: SecuriThingsSettings = SecuriThingsSettings()
    link: LinkSettings = LinkSettings()
    serial: SerialSettings = SerialSettings()
    console: ConsoleSettings = ConsoleSettings()
    app: AppSettings = AppSettings()
    store: StoreSettings = StoreSettings()
    delivery: DeliverySettings = DeliverySettings()
    guardiankey: GuardianKeySettings = GuardianKeySettings()
    log: LogSettings = LogSettings()
