"""The table [app] of agent.toml."""

import msgspec

from host_agent.config.values import address, check_address, check_proxies


class AppSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Where an app answers requests, and whom it believes about where they come from."""

    listen: str = "127.0.0.1:8712"
    trusted_proxies: list[str] = []

    def __post_init__(self) -> None:
        check_address("listen", self.listen)
        check_proxies("trusted_proxies", self.trusted_proxies)

    @property
    def address(self) -> tuple[str, int]:
        return address(self.listen)
