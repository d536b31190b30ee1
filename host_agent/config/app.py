"""The table [app] of agent.toml."""

import ipaddress

import msgspec

from host_agent.config.values import address, check_address


class AppSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Where an app answers requests, and whom it believes about where they come from."""

    listen: str = "127.0.0.1:8712"
    trusted_proxies: list[str] = []

    def __post_init__(self) -> None:
        check_address("listen", self.listen)
        for proxy in self.trusted_proxies:
            try:
                ipaddress.ip_network(proxy, strict=False)
            except ValueError:
                raise ValueError(
                    f"trusted_proxies: {proxy!r} must be an address or a network, for example"
                    ' "10.0.0.0/8"'
                ) from None

    @property
    def address(self) -> tuple[str, int]:
        return address(self.listen)
