"""One POST per event over kept-alive connections, TLS verified."""

from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import aiohttp

from host_agent.delivery.judgement import excerpt, retry_after_s
from host_agent.delivery.settings import DeliverySettings, Endpoint
from host_agent.securithings import request_headers, without_secrets

_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What the endpoint said; `excerpt` is a printable piece of a refusal."""

    status: int
    excerpt: str
    retry_after_s: float


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """A transport error or a time-out: whether the event arrived is unknown."""

    reason: str


class Client:
    """An async context manager; leaving it closes the connections."""

    def __init__(self, endpoint: Endpoint, settings: DeliverySettings) -> None:
        self._endpoint = endpoint
        headers = request_headers(endpoint.api_key, endpoint.api_secret)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=settings.concurrency),
            timeout=aiohttp.ClientTimeout(total=settings.timeout_s),
            headers={**headers, "User-Agent": "ThingWarden", "Accept-Encoding": "identity"},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def post(self, body: bytes) -> Answer | NoAnswer:
        """Send a body once. Never raises, whatever the network, the server or the URL does."""
        try:
            async with self._session.post(
                self._endpoint.url, data=body, allow_redirects=False
            ) as response:
                start = await _read_bounded(response)
                if response.status // 100 == 2:
                    return Answer(response.status, "", 0.0)
                return Answer(
                    status=response.status,
                    excerpt=self._excerpt(start.decode("utf-8", "replace")),
                    retry_after_s=retry_after_s(
                        response.headers.get("Retry-After"), datetime.now(UTC)
                    ),
                )
        except TimeoutError:
            return NoAnswer("no answer in time")
        except Exception as error:  # noqa: BLE001  aiohttp lets those of its helpers through
            return NoAnswer(self._excerpt(f"{type(error).__name__}: {error}"))

    def _excerpt(self, text: str) -> str:
        return excerpt(without_secrets(text, self._endpoint.api_key, self._endpoint.api_secret))


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes:
    """The body as far as it came: the status alone decides. If it is too long or breaks off, the
    connection is not used again."""
    body = b""
    try:
        while chunk := await response.content.readany():
            body += chunk
            if len(body) > _ANSWER_BYTES:
                response.close()
                break
    except (aiohttp.ClientError, OSError, TimeoutError):
        response.close()
    return body
