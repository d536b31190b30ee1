"""What the two clients share: settings checked once, requests made of arguments; no I/O."""

import dataclasses
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

from host_agent.guardiankey import envelope
from host_agent.guardiankey.account import Account
from host_agent.guardiankey.answer import NoAnswer
from host_agent.guardiankey.errors import AccountError, EventError
from host_agent.guardiankey.event import AUTHENTICATION, Attempt, event_text
from host_agent.guardiankey.notification import WINDOW_S, Notification, open_notification
from host_agent.guardiankey.settings import (
    DEFAULT_API,
    DEFAULT_COLLECTOR,
    TIMEOUT,
    check_api,
    check_collector,
    check_timeout,
    tls_context,
)

Transport = Literal["rest", "udp"]

Judged = TypeVar("Judged")
Reported = TypeVar("Reported")


@dataclass(frozen=True)
class Request:
    """A JSON object to post to a path of the API."""

    path: str
    content: dict[str, str]


class Calls(ABC, Generic[Judged, Reported]):
    """The settings of a client and its calls; `Judged` is a Verdict and `Reported` a Sent, or what
    awaits them.

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
        self._collector = check_collector(collector)
        self._ca = ca
        self._tls = tls_context(ca)
        self._connect_s, self._total_s = check_timeout(timeout)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._api}>"

    def check_access(
        self,
        user_name: str,
        user_email: str | None = "",
        login_failed: bool = False,
        client_ip: str | None = "",
        user_agent: str | None = "",
        event_type: str = AUTHENTICATION,
        version: int = 2,
        *,
        client_reverse: str | None = None,
        auth_method: str = "",
    ) -> Judged:
        """The judgement of an attempt; never raises, whatever the arguments, the network or the
        service are: the verdict ERROR has the reason."""
        attempt = Attempt(
            user_name=user_name,
            user_email=user_email,
            login_failed=login_failed,
            client_ip=client_ip,
            user_agent=user_agent,
            event_type=event_type,
            client_reverse=client_reverse,
            auth_method=auth_method,
        )
        return self._judge(attempt, version)

    def send_event(
        self,
        user_name: str,
        user_email: str | None = "",
        login_failed: bool = False,
        client_ip: str | None = "",
        user_agent: str | None = "",
        event_type: str = AUTHENTICATION,
        transport: Transport = "rest",
        *,
        client_reverse: str | None = None,
        auth_method: str = "",
    ) -> Reported:
        """Reports an attempt and wants no judgement; never raises."""
        attempt = Attempt(
            user_name=user_name,
            user_email=user_email,
            login_failed=login_failed,
            client_ip=client_ip,
            user_agent=user_agent,
            event_type=event_type,
            client_reverse=client_reverse,
            auth_method=auth_method,
        )
        return self._report(attempt, transport)

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

    @abstractmethod
    def _judge(self, attempt: Attempt, version: object) -> Judged: ...

    @abstractmethod
    def _report(self, attempt: Attempt, transport: object) -> Reported: ...

    def _deadline(self) -> float:
        """When a call that begins now is over, on the monotonic clock."""
        return time.monotonic() + self._total_s

    def _wants_name(self, attempt: Attempt) -> bool:
        return self.account.reverse and attempt.client_reverse is None

    def _with_name(self, attempt: Attempt, name: str) -> Attempt:
        return dataclasses.replace(attempt, client_reverse=name)

    def _check_request(self, attempt: Attempt, version: object) -> Request | NoAnswer:
        """NoAnswer names the argument that cannot be sent."""
        try:
            event = event_text(self.account, attempt, int(time.time()))
        except EventError as error:
            return NoAnswer(str(error), retry=False)
        if not isinstance(version, int) or version not in (1, 2):
            return NoAnswer("version must be 1 or 2", retry=False)
        if version == 2:
            return Request("/v2/checkaccess", envelope.v2(self.account, event))
        return Request("/checkaccess", envelope.v1(self.account, event))

    def _send_request(self, attempt: Attempt, transport: object) -> Request | bytes | NoAnswer:
        """The request, or the datagram for transport udp."""
        try:
            event = event_text(self.account, attempt, int(time.time()))
        except EventError as error:
            return NoAnswer(str(error), retry=False)
        if not isinstance(transport, str) or transport not in ("rest", "udp"):
            return NoAnswer('transport must be "rest" or "udp"', retry=False)
        if transport == "udp":
            return envelope.datagram(self.account, event)
        return Request("/sendevent", envelope.v1(self.account, event))
