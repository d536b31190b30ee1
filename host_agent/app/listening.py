"""Where people and other systems reach an app: any method, any path.

Who may ask is for the app to judge. On loopback only requests that name this machine are answered,
unless a proxy stands in front.
"""

import json
import re
from collections.abc import Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.types import Receive, Scope, Send

from host_agent.app.calling import Handler, HandlerBusy, HandlerFailed, HandlerHung
from host_agent.app.errors import AppError
from host_agent.app.requests import Request, Response
from host_agent.commands import CommandError
from host_agent.guardiankey import client_address
from host_agent.intake import Intake
from host_agent.loopback import own_names
from host_agent.metrics import Metrics
from host_agent.request_body import plain_error
from host_agent.store import StoreFull, UnknownDevice

MAX_BODY_BYTES = 64 * 1024
BODY_TIMEOUT_S = 10
MAX_IN_FLIGHT = 64
MAX_CONNECTIONS = 512
RETRY_BUSY_S = 1
RETRY_FULL_S = 30

_TEXT = "text/plain; charset=utf-8"
_WITHOUT_BODY = (204, 304)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OF_THE_LISTENER = ("connection", "content-length", "transfer-encoding")


def requests_app(
    handler: Handler, metrics: Metrics, host: str, trusted_proxies: Sequence[str] = ()
) -> Starlette:
    """The ASGI application, for a listener of MAX_CONNECTIONS on `host`."""
    intake = Intake(
        "request", metrics.app_requests, MAX_BODY_BYTES, BODY_TIMEOUT_S, MAX_IN_FLIGHT, RETRY_BUSY_S
    )
    names = ["*"] if trusted_proxies else own_names(host)
    app = Starlette(
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=names, www_redirect=False)],
        exception_handlers={HTTPException: plain_error},
    )
    # No route: its pattern would miss the path "*", and one with a line feed.
    app.router.default = _Requests(handler, intake, trusted_proxies)
    return app


class _Requests:
    def __init__(self, handler: Handler, intake: Intake, trusted_proxies: Sequence[str]) -> None:
        self._handler = handler
        self._intake = intake
        self._trusted_proxies = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HttpRequest(scope, receive)
        body = await self._intake.body(request)
        with self._intake.place():
            answer = await self._answer(self._request(request, body))
        await answer(scope, receive, send)

    def _request(self, request: HttpRequest, body: bytes) -> Request:
        headers: dict[str, str] = {}
        for name, value in request.headers.items():
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        peer = request.client.host if request.client else ""
        forwarded_for = headers.pop("x-forwarded-for", None)
        client = client_address(peer, forwarded_for, self._trusted_proxies)
        return Request(
            method=request.method,
            path=request.scope["path"],
            query=dict(request.query_params),
            headers={**headers, "x-forwarded-for": client},
            body=body,
            client=client,
        )

    async def _answer(self, request: Request) -> HttpResponse:
        try:
            answer = _http(await self._handler.call(request))
        except HandlerBusy as error:
            raise self._intake.refusal("busy", 503, "busy", RETRY_BUSY_S) from error
        except HandlerHung as error:
            raise self._intake.refusal("hung", 504, "no answer in time") from error
        except HandlerFailed as error:
            raise self._failure(error.__cause__) from error
        except AppError as error:
            self._handler.tell("gave an answer that cannot be sent", str(error))
            raise self._intake.refusal("failed", 500, "the app failed") from error
        self._intake.count("answered")
        return answer

    def _failure(self, error: BaseException | None) -> HTTPException:
        """What an error that the handler did not catch means for whoever asked."""
        match error:
            case UnknownDevice():
                return self._intake.refusal("refused", 404, "there is no such device")
            case CommandError():
                return self._intake.refusal("refused", 409, "the command cannot be given")
            case StoreFull():
                detail = "the agent has no room for it"
                return self._intake.refusal("refused", 503, detail, RETRY_FULL_S)
        return self._intake.refusal("failed", 500, "the app failed")


def _http(returned: object) -> HttpResponse:
    """What a handler returned, as HTTP. Raises AppError."""
    if not isinstance(returned, Response):
        returned = Response(204 if returned is None else 200, returned)  # type: ignore[arg-type]
    if type(returned.status) is not int or not 200 <= returned.status <= 599:
        raise AppError(f"its status must be a number from 200 to 599, not {returned.status!r}")
    body, media_type = _content(returned.body)
    if not isinstance(returned.headers, Mapping):
        raise AppError("its headers must be a dict")
    headers = {}
    for name, value in returned.headers.items():
        sound = isinstance(name, str) and _HEADER.fullmatch(name) and isinstance(value, str)
        if not sound or not (value.isascii() and value.isprintable()):
            raise AppError(f"its header {name!r} cannot be sent")
        headers[name.lower()] = value
    if taken := headers.keys() & set(_OF_THE_LISTENER):
        raise AppError(f"its header {min(taken)!r} cannot be sent")
    media_type = headers.pop("content-type", media_type)
    if returned.status in _WITHOUT_BODY:
        return HttpResponse(None, returned.status, headers)
    return HttpResponse(body, returned.status, headers, media_type)


def _content(body: object) -> tuple[bytes, str]:
    """(bytes, media type)"""
    try:
        if isinstance(body, dict | list):
            return json.dumps(body, allow_nan=False).encode(), "application/json"
        if isinstance(body, str):
            return body.encode(), _TEXT
    except (TypeError, ValueError, RecursionError) as error:
        raise AppError(f"its body cannot be sent: {error}") from error
    if body is None:
        return b"", _TEXT
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    raise AppError(f"a {type(body).__name__} is no answer: return a Response, text, dict or list")
