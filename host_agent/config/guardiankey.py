"""The table [guardiankey] of agent.toml."""

from pathlib import Path
from typing import Annotated

import msgspec

from host_agent.access import EVERY_DOOR
from host_agent.config.errors import ConfigError
from host_agent.config.values import address, check_address, check_file
from host_agent.guardiankey import (
    DEFAULT_API,
    Account,
    AccountError,
    api_problem,
)
from host_agent.store import DEVICE_NAME

LOCKDOWN_RESPONSES = ("NOTIFY", "HARD_NOTIFY", "BLOCK")


class GuardianKeySettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Who judges access attempts, and what becomes of its notifications. Empty text means none;
    `account` and `ca` are absolute once loaded from a file.
    """

    api: str = DEFAULT_API
    ca: str = ""
    account: str = ""
    webhook: str = ""
    lockdown_on: list[str] = []
    lockdown_devices: list[str] = []
    keep_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 90

    def __post_init__(self) -> None:
        if problem := api_problem(self.api):
            raise ValueError(f"api: {problem}")
        for field, example in (("ca", "ca.pem"), ("account", "guardiankey.toml")):
            if path := getattr(self, field):
                check_file(field, path, example)
        if self.webhook:
            check_address("webhook", self.webhook)
            if not self.account:
                raise ValueError("webhook: needs account, which has the key of the notifications")
        self._check_lockdown()

    def _check_lockdown(self) -> None:
        for response in self.lockdown_on:
            if response not in LOCKDOWN_RESPONSES:
                known = ", ".join(LOCKDOWN_RESPONSES)
                raise ValueError(f"lockdown_on: {response!r} is none of {known}")
        for name in self.lockdown_devices:
            if name != EVERY_DOOR and not DEVICE_NAME.fullmatch(name):
                raise ValueError(f'lockdown_devices: {name!r} is no device name, nor "*" for all')
        if EVERY_DOOR in self.lockdown_devices and len(self.lockdown_devices) > 1:
            raise ValueError('lockdown_devices: "*" is every door and stands alone')
        if self.lockdown_on and not self.lockdown_devices:
            raise ValueError('lockdown_on: needs lockdown_devices, for example ["*"]')
        if self.lockdown_devices and not self.lockdown_on:
            raise ValueError('lockdown_devices: needs lockdown_on, for example ["BLOCK"]')
        if self.lockdown_on and not self.webhook:
            raise ValueError("lockdown_on: needs webhook, where the notifications arrive")

    @property
    def webhook_address(self) -> tuple[str, int] | None:
        """(host, port) to listen on; None for no listener."""
        return address(self.webhook) if self.webhook else None

    def load_account(self) -> Account | None:
        """The account; None without one. Raises ConfigError naming its file and what is wrong."""
        if not self.account:
            return None
        try:
            return Account.load(self.account)
        except AccountError as error:
            raise ConfigError(f"[guardiankey] account: {error}") from error

    def located(self, directory: Path) -> "GuardianKeySettings":
        """With the files as seen from `directory`."""
        return msgspec.structs.replace(
            self,
            ca=str(directory / self.ca) if self.ca else "",
            account=str(directory / self.account) if self.account else "",
        )
