"""What the two clients share: settings checked once, requests made of arguments; no I/O."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from host_agent.guardiankey import envelope
from host_agent.guardiankey.account import Account
from host_agent.guardiankey.errors import AccountError, EventError, GuardianKeyError
from host_agent.guardiankey.event import Attempt, event_text
from host_agent.guardiankey.notification import WINDOW_S, Notification, open_notification
from host_agent.guardiankey.wire import (
    DEFAULT_API,
    DEFAULT_COLLECTOR,
    TIMEOUT,
    check_api,
    check_timeout,
    tls_context,
)

Transport = Literal["rest", "udp"]


@dataclass(frozen=True)
class Request:
    """A JSON object to post to a path of the API."""

    path: str
    content: dict[str, str]


class Calls:
    """The settings of a client.

    `api` is https (http on this machine only), `collector` (host, port) of the datagrams, `ca` a
    PEM file in place of the system's authorities, `timeout` (connect, total) in seconds for each
    call, reverse look-up included. Raises AccountError or GuardianKeyError.
    """

    def __init__(
        self,
        account: Account,
        api: str = DEFAULT_API,
        collector: tuple[str, int] = DEFAULT_COLLECTOR,
        *,
        ca: str | Path | None = None,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        if not isinstance(account, Account):
            raise AccountError(f"account must be an Account, not {type(account).__name__}")
        self.account = account
        self._api = check_api(api)
        self._collector = _checked_collector(collector)
        self._ca = ca
        self._tls = tls_context(ca)
        self._timeout = check_timeout(timeout)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._api}>"

    def open_notification(
        self,
        body: str | bytes,
        content_type: str | None = None,
        now: float | None = None,
        *,
        window_s: float = WINDOW_S,
        seen: Callable[[str], bool] | None = None,
    ) -> Notification:
        """See `open_notification`."""
        return open_notification(
            self.account, body, content_type, now, window_s=window_s, seen=seen
        )

    def _wants_name(self, attempt: Attempt) -> bool:
        return self.account.reverse and attempt.client_reverse is None

    def _with_name(self, attempt: Attempt, name: str) -> Attempt:
        return dataclasses.replace(attempt, client_reverse=name)

    def _check_request(self, attempt: Attempt, version: object) -> Request:
        """Raises EventError naming the argument that cannot be sent."""
        event = event_text(self.account, attempt, int(time.time()))
        if not isinstance(version, int) or version not in (1, 2):
            raise EventError("version must be 1 or 2")
        if version == 2:
            return Request("/v2/checkaccess", envelope.v2(self.account, event))
        return Request("/checkaccess", envelope.v1(self.account, event))

    def _send_request(self, attempt: Attempt, transport: object) -> Request | bytes:
        """The request, or the datagram for transport udp. Raises EventError."""
        event = event_text(self.account, attempt, int(time.time()))
        if not isinstance(transport, str) or transport not in ("rest", "udp"):
            raise EventError('transport must be "rest" or "udp"')
        if transport == "udp":
            return envelope.datagram(self.account, event)
        return Request("/sendevent", envelope.v1(self.account, event))


def _checked_collector(collector: object) -> tuple[str, int]:
    match collector:
        case (str() as host, int() as port) if host and 0 < port < 65536:
            return host, port
    raise GuardianKeyError("collector must be (host, port) with a port from 1 to 65535")
