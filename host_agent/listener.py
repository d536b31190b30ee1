"""A TCP listener that serves an ASGI application with uvicorn, inside the agent's own loop."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from host_agent.errors import ThingWardenError

HEAD_TIMEOUT_S = 10
REST_TIMEOUT_S = 20
"""How long what follows the head may take; longer than a body that somebody reads."""
MAX_HEAD_BYTES = 16 * 1024
MAX_REQUEST_BYTES = 96 * 1024
"""Head, body and trailers: room for the largest body that an application here takes."""
MAX_CONNECTIONS = 4096
MAX_PIPELINED = 64
"""Requests of a connection that wait for the answer to an earlier one. One read brings up to 256
KiB, thousands of small ones, which took some 20 MB."""
UNREAD_S = 30
"""How long the client's end may take nothing of what was sent to it."""
DRAIN_S = 14
"""How long requests under way may take when the agent stops: a body, and a verdict on it."""


class ListenError(ThingWardenError):
    """The address cannot be listened on."""


class Listener:
    """Bound at once, so that a taken port is known before anything starts; leave it to unbind."""

    def __init__(
        self,
        app: Starlette,
        host: str,
        port: int,
        on_refused: Callable[[], object] = lambda: None,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        """`on_refused` is called for every connection above `max_connections`, which is hung up."""
        protocol = partial(_BoundedProtocol, on_refused=on_refused, max_connections=max_connections)
        self._socket = _bind(host, port)
        self.url = _url(self._socket)
        self._server = _Server(
            uvicorn.Config(
                app,
                http=protocol,  # type: ignore[arg-type]
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=DRAIN_S,
            )
        )

    async def serve(self) -> None:
        """Serve until `stop`, then let the requests under way finish."""
        await self._server.serve(sockets=[self._socket])

    def stop(self) -> None:
        self._server.should_exit = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        raise ListenError(f"cannot listen on {host}:{port}: {error}") from error
    # asyncio sets TCP_NODELAY only on a socket that names its protocol. Without it the second
    # packet of a reply waits for the first one's acknowledgement, some 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, bound.detach())
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; connections inherit it
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNREAD_S * 1000))
    return listening


def _url(listening: socket.socket) -> str:
    """Where it listens, with the port that the system chose for port 0."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """Leaves the signals to the agent, which has more than one listener."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class _TooManyRequests(Exception):
    """Ends the parsing of what a connection sent."""


class _BoundedProtocol(HttpToolsProtocol):
    """Bounds the connections, and every request in time and size, read or not by the application;
    uvicorn with httptools does not. A pipelined request is one of its own."""

    _timer: asyncio.TimerHandle | None = None
    _in_head = True
    _request_bytes = 0
    """Read since the last request was complete."""

    def __init__(
        self,
        *arguments: Any,
        on_refused: Callable[[], object],
        max_connections: int,
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self._on_refused = on_refused
        self._max_connections = max_connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._max_connections:
            self._on_refused()
            transport.abort()
        else:
            self._time_head()

    def data_received(self, data: bytes) -> None:
        if self._request_bytes > MAX_REQUEST_BYTES:
            self.transport.abort()
            return
        self._time_head()
        self._request_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._request_bytes > MAX_HEAD_BYTES:
            self.transport.abort()

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MAX_PIPELINED:
            self.transport.abort()
            raise _TooManyRequests
        super().on_message_begin()
        self._time_head()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_timer()
        self._timer = self.loop.call_later(REST_TIMEOUT_S, self.transport.abort)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True
        self._request_bytes = 0
        self._stop_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _time_head(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
