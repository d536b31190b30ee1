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
from host_agent.guardiankey.calls import Calls, Request
from host_agent.guardiankey.collector import send_datagram
from host_agent.guardiankey.event import Attempt
from host_agent.guardiankey.forking import renew_in_children
from host_agent.guardiankey.resolution import (
    EventDetails,
    check_resolved,
    details_of,
    event_content,
    resolve_content,
)
from host_agent.guardiankey.settings import DEFAULT_API, DEFAULT_COLLECTOR, HEADERS, TIMEOUT, joined
from host_agent.guardiankey.verdict import Sent, Verdict
from host_agent.http_post import open_session, post

_MAX_REQUESTS = 64
_LATE = NoAnswer("no answer from GuardianKey in time")
"""One text for our own deadline and the socket's, which come at the same moment."""


class GuardianKey(Calls[Verdict, Sent]):
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

    def get_event(self, event_id: str, token: str) -> EventDetails:
        """What an event's user is asked about. Raises ResolutionError."""
        request = Request("/getevent", event_content(event_id, token))
        return details_of(self._post(request, self._deadline()))

    def resolve_event(self, event_id: str, token: str, action: str) -> None:
        """Tells GuardianKey that the event was GOOD or BAD. Raises ResolutionError."""
        request = Request("/resolveevent", resolve_content(event_id, token, action))
        check_resolved(self._post(request, self._deadline()))

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

    def _judge(self, attempt: Attempt, version: object) -> Verdict:
        deadline = self._deadline()
        request = self._check_request(self._named(attempt), version)
        return verdict_of(self._post(request, deadline))

    def _report(self, attempt: Attempt, transport: object) -> Sent:
        deadline = self._deadline()
        request = self._send_request(self._named(attempt), transport)
        if isinstance(request, bytes):
            return send_datagram(self._collector, request, deadline - time.monotonic())
        return sent_of(self._post(request, deadline))

    def _named(self, attempt: Attempt) -> Attempt:
        if not self._wants_name(attempt):
            return attempt
        return self._with_name(attempt, reverse_name(attempt.client_ip))

    def _post(self, request: Request | NoAnswer, deadline: float) -> Answer | NoAnswer:
        """In a thread of its own, because nothing else bounds the look-up of the API's name."""
        if isinstance(request, NoAnswer):
            return request
        left = deadline - time.monotonic()
        try:
            answer = self._requests.run(lambda: self._exchange(request, left), left)
        except TimeoutError:
            return _LATE
        except Exception as error:  # noqa: BLE001  nothing may keep a user from logging in
            return NoAnswer(f"no answer from GuardianKey: unforeseen {type(error).__name__}")
        late = isinstance(answer, NoAnswer) and time.monotonic() >= deadline
        return _LATE if late else answer

    def _exchange(self, request: Request, left: float) -> Answer | NoAnswer:
        url, payload = joined(self._api, request.path), json.dumps(request.content).encode()
        ca = None if self._ca is None else str(self._ca)
        session = self._session()
        try:
            answer = post(session, url, payload, (self._connect_s, left), ca)
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
