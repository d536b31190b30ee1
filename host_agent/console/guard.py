"""Nobody gets to a page of the console without a session, no form without its page."""

import hmac
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from host_agent.console.client import client_of, user_agent_of
from host_agent.console.forms import MAX_FORM_BYTES, read_form
from host_agent.console.origin import is_own
from host_agent.console.pages.rendering import IN_BACKGROUND
from host_agent.console.parts import ConsoleParts
from host_agent.console.places import LIVE, LOGIN, ROOT, STATIC, is_below
from host_agent.console.refusals import Refuse
from host_agent.console.sessions import Session
from host_agent.store import StoreError

COOKIE = "thingwarden"
MAX_LOGIN_BYTES = 16 * 1024
"""Room for the longest password, urlencoded."""

_SAFE = ("GET", "HEAD")


class Guard:
    """ASGI middleware for everything below ROOT.

    What passes has `request.state.session`, a Session (None for the login page and static files),
    and a form `request.state.form`, its fields: read, sent by a page of the console, and with the
    session's `csrf` unless it is the form to log in.
    """

    def __init__(self, app: ASGIApp, parts: ConsoleParts, refuse: Refuse) -> None:
        self._app = app
        self._parts = parts
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        request.state.session = None
        answer = None
        if is_below(ROOT, scope["path"]) and not is_below(STATIC, scope["path"]):
            try:
                answer = await self._stopped(request)
            except (HTTPException, StoreError) as error:
                answer = await self._refuse(request, error)
        await (answer or self._app)(scope, receive, send)

    async def _stopped(self, request: Request) -> Response | None:
        """Why the request gets no further; None if it does. Raises HTTPException and StoreError."""
        path = request.scope["path"]
        session = request.state.session = self._session(request)
        if session is None and path != LOGIN:
            return _to_log_in(request)
        if request.method not in _SAFE:
            if not is_own(request):
                raise _not_own()
            max_bytes = MAX_LOGIN_BYTES if path == LOGIN else MAX_FORM_BYTES
            request.state.form = form = await read_form(request, max_bytes)
            if path != LOGIN and not _has_csrf(form, session):
                raise _not_own()
        return None

    def _session(self, request: Request) -> Session | None:
        cookie = request.cookies.get(COOKIE)
        if cookie is None:
            return None
        client = client_of(request, self._parts.trusted_proxies)
        in_use = IN_BACKGROUND not in request.headers and request.scope["path"] != LIVE
        return self._parts.sessions.find(cookie, client, user_agent_of(request), in_use=in_use)


def _to_log_in(request: Request) -> Response:
    path, query = request.scope["path"], request.scope["query_string"].decode("latin-1")
    if path == LIVE:
        return PlainTextResponse("log in first\n", 401)
    if request.method not in _SAFE or (path == ROOT and not query):
        return RedirectResponse(LOGIN, 303)
    wanted = f"{path}?{query}" if query else path
    return RedirectResponse(f"{LOGIN}?next={quote(wanted, safe='/')}", 303)


def _has_csrf(form: dict[str, str], session: Session | None) -> bool:
    given = form.get("csrf", "").encode()
    return session is not None and hmac.compare_digest(given, session.csrf.encode())


def _not_own() -> HTTPException:
    return HTTPException(403, "that form was not from this console, or is too old")
