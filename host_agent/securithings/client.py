"""The client: makes events and posts them from worker threads."""

import json
import logging
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import requests

from host_agent.http_post import open_session, post
from host_agent.http_response import Response
from host_agent.securithings.errors import SecuriThingsError
from host_agent.securithings.event import Event
from host_agent.securithings.values import checked_text
from host_agent.securithings.wire import (
    DEFAULT_URL,
    api_key_problem,
    request_headers,
    url_problem,
)

_logger = logging.getLogger(__name__)

_WORKERS = 4
_CONNECT_S = 10.0
_TOTAL_S = 60.0

Callback = Callable[[Response], object]


class SecuriThings:
    """Reports one device's events to SecuriThings.

    `device_id` None is sent as null. `timeout` is (connect, total) in seconds, per event. Raises
    SecuriThingsError unless key, secret and device type are non-empty strings, without a colon in
    the key (a server splits the credentials at the first one, RFC 7617 2).
    """

    def __init__(
        self,
        api_key: str,
        api_secret: str,
        device_type: str,
        device_id: str | None = None,
        url: str = DEFAULT_URL,
        *,
        timeout: tuple[float, float] = (_CONNECT_S, _TOTAL_S),
    ) -> None:
        _check_credentials(api_key, api_secret)
        if device_type in (None, ""):
            raise SecuriThingsError("Missing device type")
        self._device_type = checked_text(device_type, "device type must be a string")
        if device_id is not None:
            checked_text(device_id, "device id must be a string or None")
        self._device_id = device_id
        _check_url(url)
        self._url = url
        _check_timeout(timeout)
        self._timeout = timeout
        self._headers = request_headers(api_key, api_secret)
        self._worker = threading.local()
        self._sessions: list[requests.Session] = []
        self._workers = ThreadPoolExecutor(
            _WORKERS, thread_name_prefix="securithings", initializer=self._start_worker
        )

    def create_device_event(self, event_type: str) -> Event:
        """An event that the device caused itself."""
        return Event("DEVICE", event_type)

    def create_external_event(self, event_type: str, request: object = None) -> Event:
        """An event that somebody caused from outside, for instance through an HTTP `request`."""
        return Event("USER", event_type, request)

    def send_event(self, event: Event, callback: Callback | None = None) -> bool:
        """Hands over the event as it is now, with the present time, and returns True at once.

        True says nothing about delivery: that is what `callback` is told, once, in a worker thread.
        There is one request per call and no retry; events under way at the same time may arrive in
        any order. Raises SecuriThingsError if there is nothing to send or the client is closed.
        """
        if event is None:
            raise SecuriThingsError("missing event parameter")
        if not isinstance(event, Event):
            raise SecuriThingsError(
                "event must come from create_device_event or create_external_event,"
                f" not be a {type(event).__name__}"
            )
        if callback is not None and not callable(callback):
            raise SecuriThingsError("callback must be callable or None")
        now = str(int(time.time())) + "000"
        body = event.body(self._device_id, self._device_type, now)
        payload = json.dumps(body, ensure_ascii=False).encode()
        try:
            self._workers.submit(self._deliver, payload, callback)
        except RuntimeError:
            raise SecuriThingsError("client is closed: make a new one to send more") from None
        return True

    def close(self) -> None:
        """Waits until every event handed over has its answer; not to be called from a callback."""
        if hasattr(self._worker, "session"):
            raise SecuriThingsError("close() would wait for the callback that calls it")
        self._workers.shutdown(wait=True)
        for session in self._sessions:
            session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _start_worker(self) -> None:
        self._worker.session = open_session(self._headers)
        self._sessions.append(self._worker.session)

    def _deliver(self, payload: bytes, callback: Callback | None) -> None:
        response = post(self._worker.session, self._url, payload, self._timeout)
        try:
            (callback or _warn_unless_accepted)(response)
        except Exception:
            _logger.exception("the callback of send_event failed")


def _warn_unless_accepted(response: Response) -> None:
    if not 200 <= response.statuscode < 300:
        _logger.warning("an event was not accepted: status %d", response.statuscode)


def _check_credentials(api_key: object, api_secret: object) -> None:
    if api_key in (None, "") or api_secret in (None, ""):
        raise SecuriThingsError("Missing api key or api secret")
    key = checked_text(api_key, "api key must be a string")
    checked_text(api_secret, "api secret must be a string")
    if problem := api_key_problem(key):
        raise SecuriThingsError(f"api key {problem}")


def _check_url(url: object) -> None:
    if problem := url_problem(checked_text(url, "url must be a string")):
        raise SecuriThingsError(f"url {problem}")


def _check_timeout(timeout: object) -> None:
    match timeout:
        case (int() | float() as connect, int() | float() as total) if (
            0 < connect < math.inf and 0 < total < math.inf
        ):
            return
    raise SecuriThingsError("timeout must be (connect, total) in seconds, both above 0")
