"""The asynchronous I/O, on aiohttp: the bare API, and GuardianKey's twin for an event loop."""

import asyncio
import json
import ssl
import time
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from host_agent.guardiankey.account import Account
from host_agent.guardiankey.addresses import REVERSE_S, reverse_name
from host_agent.guardiankey.answer import Answer, NoAnswer, sent_of, verdict_of
from host_agent.guardiankey.calls import Calls, Request
from host_agent.guardiankey.collector import send_datagram
from host_agent.guardiankey.errors import GuardianKeyError
from host_agent.guardiankey.event import Attempt
from host_agent.guardiankey.resolution import (
    EventDetails,
    check_resolved,
    details_of,
    event_content,
    resolve_content,
)
from host_agent.guardiankey.settings import (
    DEFAULT_API,
    DEFAULT_COLLECTOR,
    HEADERS,
    TIMEOUT,
    check_api,
    check_timeout,
    joined,
    tls_context,
)
from host_agent.guardiankey.verdict import Sent, Verdict
from host_agent.http_response import MAX_ANSWER_BYTES


class Api:
    """GuardianKey's API at `url`: an async context manager.

    One request per call, no redirects, TLS verified against the system's authorities or those of
    the PEM file `ca`. `connect_s` bounds each connection, `total_s` the whole call. Raises
    GuardianKeyError for settings that cannot be used, and before it is entered; a call never
    raises for what the network or the server does.
    """

    def __init__(
        self,
        url: str = DEFAULT_API,
        *,
        connect_s: float = TIMEOUT[0],
        total_s: float = TIMEOUT[1],
        ca: str | Path | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._url = check_api(url)
        self._connect_s, self._total_s = check_timeout((connect_s, total_s))
        self._tls = tls or tls_context(ca)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._tls or True),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_s),
            headers={**HEADERS, "Content-Type": "application/json", "Accept-Encoding": "identity"},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def check(self, path: str, content: Mapping[str, str]) -> Verdict:
        """Posts `content` to a checkaccess path; whatever goes wrong is a verdict ERROR."""
        return verdict_of(await self.post(path, content))

    async def send(self, path: str, content: Mapping[str, str]) -> Sent:
        """Posts `content` to /sendevent."""
        return sent_of(await self.post(path, content))

    async def post(
        self, path: str, content: Mapping[str, str], within_s: float | None = None
    ) -> Answer | NoAnswer:
        """One request, over within `within_s`; None: `total_s`."""
        if self._session is None:
            raise GuardianKeyError("the API must be entered first: async with Api(...) as api")
        try:
            async with (
                asyncio.timeout(self._total_s if within_s is None else within_s),
                self._session.post(
                    joined(self._url, path),
                    data=json.dumps(dict(content)).encode(),
                    allow_redirects=False,
                ) as response,
            ):
                body = await _read_bounded(response)
                return Answer(response.status, body.decode("utf-8", errors="replace"))
        except TimeoutError:
            return NoAnswer("no answer from GuardianKey in time")
        except Exception as error:  # noqa: BLE001  aiohttp lets those of its helpers through
            return NoAnswer(f"no answer from GuardianKey: {_words(error)}")


class AsyncGuardianKey(Calls[Coroutine[Any, Any, Verdict], Coroutine[Any, Any, Sent]]):
    """`GuardianKey` for an event loop: an async context manager with the same calls."""

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
        self._http = Api(self._api, connect_s=self._connect_s, tls=self._tls)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.__aexit__(kind, error, traceback)

    async def get_event(self, event_id: str, token: str) -> EventDetails:
        """What an event's user is asked about. Raises ResolutionError."""
        request = Request("/getevent", event_content(event_id, token))
        return details_of(await self._post(request, self._deadline()))

    async def resolve_event(self, event_id: str, token: str, action: str) -> None:
        """Tells GuardianKey that the event was GOOD or BAD. Raises ResolutionError."""
        request = Request("/resolveevent", resolve_content(event_id, token, action))
        check_resolved(await self._post(request, self._deadline()))

    async def _judge(self, attempt: Attempt, version: object) -> Verdict:
        deadline = self._deadline()
        request = self._check_request(await self._named(attempt), version)
        return verdict_of(await self._post(request, deadline))

    async def _report(self, attempt: Attempt, transport: object) -> Sent:
        deadline = self._deadline()
        request = self._send_request(await self._named(attempt), transport)
        if isinstance(request, bytes):
            return await self._send(request, deadline - time.monotonic())
        return sent_of(await self._post(request, deadline))

    async def _named(self, attempt: Attempt) -> Attempt:
        if not self._wants_name(attempt):
            return attempt
        name = ""
        with suppress(TimeoutError):  # all threads of the loop may be busy
            async with asyncio.timeout(REVERSE_S):
                name = await asyncio.to_thread(reverse_name, attempt.client_ip)
        return self._with_name(attempt, name)

    async def _post(self, request: Request | NoAnswer, deadline: float) -> Answer | NoAnswer:
        if isinstance(request, NoAnswer):
            return request
        left = deadline - time.monotonic()
        return await self._http.post(request.path, request.content, left)

    async def _send(self, datagram: bytes, within_s: float) -> Sent:
        try:
            async with asyncio.timeout(within_s):
                return await asyncio.to_thread(send_datagram, self._collector, datagram, within_s)
        except TimeoutError:
            return Sent(False, "the collector cannot be reached: timed out", retry=True)


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    while len(body) <= MAX_ANSWER_BYTES and (chunk := await response.content.readany()):
        body += chunk
    return body


def _words(error: Exception) -> str:
    """The deepest cause that the system named."""
    cause: BaseException | None = error
    words = type(error).__name__
    while cause is not None:
        if refusal := getattr(cause, "verify_message", ""):  # of ssl.SSLCertVerificationError
            return f"the server's certificate was not accepted ({refusal})"
        if isinstance(cause, OSError) and cause.strerror:
            words = cause.strerror
        cause = cause.__cause__ or cause.__context__
    return words
