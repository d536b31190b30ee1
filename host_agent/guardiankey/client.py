"""The client for programs with threads, on requests."""

import json
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from host_agent.guardiankey.account import Account
from host_agent.guardiankey.addresses import reverse_name
from host_agent.guardiankey.answer import Answer, NoAnswer, sent_of, verdict_of
from host_agent.guardiankey.bounded import Bounded
from host_agent.guardiankey.calls import Calls, Transport
from host_agent.guardiankey.collector import send_datagram
from host_agent.guardiankey.errors import EventError
from host_agent.guardiankey.event import AUTHENTICATION, Attempt
from host_agent.guardiankey.forking import renew_in_children
from host_agent.guardiankey.resolution import (
    EventDetails,
    check_resolved,
    details_of,
    event_content,
    resolve_content,
)
from host_agent.guardiankey.verdict import Sent, Verdict
from host_agent.guardiankey.wire import DEFAULT_API, DEFAULT_COLLECTOR, HEADERS, TIMEOUT, joined
from host_agent.http_post import open_session, post

_MAX_REQUESTS = 64


class GuardianKey(Calls):
    """Asks GuardianKey about access attempts; to be used from any number of threads, and in forked
    processes too.

    See `Calls` for the settings. `close()`, or the end of `with`, closes the connections.
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
        super().__init__(account, api, collector, ca=ca, timeout=timeout)
        self._requests = Bounded(_MAX_REQUESTS, "guardiankey")
        self._lock = threading.Lock()
        self._idle: list[requests.Session] = []
        self._closed = False
        renew_in_children(self)

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
    ) -> Verdict:
        """The judgement of an attempt; never raises, whatever the arguments, the network or the
        service are: the verdict ERROR has the reason."""
        deadline = time.monotonic() + self._timeout[1]
        attempt = self._named(
            Attempt(
                user_name=user_name,
                user_email=user_email,
                login_failed=login_failed,
                client_ip=client_ip,
                user_agent=user_agent,
                event_type=event_type,
                client_reverse=client_reverse,
                auth_method=auth_method,
            )
        )
        try:
            request = self._check_request(attempt, version)
        except EventError as error:
            return Verdict.error(str(error))
        return verdict_of(self._post(request.path, request.content, deadline))

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
    ) -> Sent:
        """Reports an attempt and wants no judgement; never raises."""
        deadline = time.monotonic() + self._timeout[1]
        attempt = self._named(
            Attempt(
                user_name=user_name,
                user_email=user_email,
                login_failed=login_failed,
                client_ip=client_ip,
                user_agent=user_agent,
                event_type=event_type,
                client_reverse=client_reverse,
                auth_method=auth_method,
            )
        )
        try:
            request = self._send_request(attempt, transport)
        except EventError as error:
            return Sent(False, str(error))
        if isinstance(request, bytes):
            return send_datagram(self._collector, request, deadline - time.monotonic())
        return sent_of(self._post(request.path, request.content, deadline))

    def get_event(self, event_id: str, token: str) -> EventDetails:
        """What an event's user is asked about. Raises ResolutionError."""
        return details_of(self._post("/getevent", event_content(event_id, token)))

    def resolve_event(self, event_id: str, token: str, action: str) -> None:
        """Tells GuardianKey that the event was GOOD or BAD. Raises ResolutionError."""
        check_resolved(self._post("/resolveevent", resolve_content(event_id, token, action)))

    def close(self) -> None:
        """A call under way still gets its answer; a later one does without kept connections."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for session in idle:
            session.close()

    def renew(self) -> None:
        """In a forked child: on connections shared with the parent, each could read the other's
        verdicts."""
        self._lock = threading.Lock()
        self._idle = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _named(self, attempt: Attempt) -> Attempt:
        if not self._wants_name(attempt):
            return attempt
        return self._with_name(attempt, reverse_name(attempt.client_ip))

    def _post(
        self, path: str, content: dict[str, str], deadline: float | None = None
    ) -> Answer | NoAnswer:
        """In a thread of its own, because nothing else bounds the look-up of the API's name."""
        connect_s, total_s = self._timeout
        left = total_s if deadline is None else deadline - time.monotonic()
        payload = json.dumps(content).encode()
        try:
            return self._requests.run(lambda: self._exchange(path, payload, connect_s, left), left)
        except TimeoutError:
            return NoAnswer("no answer from GuardianKey in time")
        except Exception as error:  # noqa: BLE001  nothing may keep a user from logging in
            return NoAnswer(f"no answer from GuardianKey: unforeseen {type(error).__name__}")

    def _exchange(
        self, path: str, payload: bytes, connect_s: float, left: float
    ) -> Answer | NoAnswer:
        session = self._session()
        try:
            ca = None if self._ca is None else str(self._ca)
            answer = post(session, joined(self._api, path), payload, (connect_s, left), ca)
        finally:
            self._keep(session)
        if answer.statuscode < 100:
            return NoAnswer(f"no answer from GuardianKey: {answer.body}")
        return Answer(answer.statuscode, answer.body)

    def _session(self) -> requests.Session:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return open_session({**HEADERS, "Content-Type": "application/json"})

    def _keep(self, session: requests.Session) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(session)
                return
        session.close()
