"""The login page, its form, and the way out."""

import re
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from host_agent.console.client import came_by_https, client_of, user_agent_of
from host_agent.console.guard import COOKIE
from host_agent.console.login_judge import Judgement, LoginJudge, Outcome
from host_agent.console.pages.rendering import Pages
from host_agent.console.parts import ConsoleParts
from host_agent.console.places import LOGIN, LOGOUT, ROOT
from host_agent.people import User
from host_agent.store import StoreError

_UP = r"[^?]*/(?:\.|%2[eE]){2}(?:[/?]|$)"
_NEXT = re.compile(rf"{ROOT}(?!/login|/logout|{_UP})(?:[/?][!-\[\]-~]{{0,1000}})?")
"""A page of the console: visible ASCII without a backslash, and no way up."""
_REFUSALS: dict[Outcome, tuple[int, str]] = {
    "refused": (403, "Wrong user name or password."),
    "blocked": (403, "This login was blocked."),
    "limited": (429, "Too many attempts. Try again in {retry_s} seconds."),
    "busy": (503, "Too many people are logging in. Try again in {retry_s} seconds."),
}


def login_routes(parts: ConsoleParts, pages: Pages) -> list[BaseRoute]:
    logins = _Logins(parts, pages)
    return [
        Route(LOGIN, logins.show, methods=["GET"]),
        Route(LOGIN, logins.log_in, methods=["POST"]),
        Route(LOGOUT, logins.log_out, methods=["POST"]),
    ]


class _Logins:
    def __init__(self, parts: ConsoleParts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._judge = LoginJudge(parts)

    async def show(self, request: Request) -> Response:
        """The form; who is logged in already goes on."""
        wanted = _local(request.query_params.get("next", ""))
        if request.state.session:
            return RedirectResponse(wanted, 303)
        return await self._page(request, next=wanted)

    async def log_in(self, request: Request) -> Response:
        """303 to `next` with a cookie, or the form with what is wrong: 403, 429, 503. Raises
        StoreError."""
        form, client = request.state.form, client_of(request, self._parts.trusted_proxies)
        name, wanted = form.get("user", ""), _local(form.get("next", ""))
        password, user_agent = form.get("password", ""), user_agent_of(request)
        judgement = await self._judge.judge(name, password, client, user_agent)
        if judgement.user is None:
            return await self._refused(request, judgement, name, wanted)
        return self._let_in(request, judgement.user, wanted)

    async def log_out(self, request: Request) -> Response:
        self._parts.sessions.end(request.state.session)
        self._parts.live.changed()  # the session's other pages notice
        answer = RedirectResponse(LOGIN, 303)
        answer.delete_cookie(COOKIE, path=ROOT, httponly=True, samesite="strict")
        return answer

    def _let_in(self, request: Request, user: User, wanted: str) -> Response:
        if request.state.session:
            self._parts.sessions.end(request.state.session)
        proxies = self._parts.trusted_proxies
        _, cookie = self._parts.sessions.begin(
            user, client_of(request, proxies), user_agent_of(request)
        )
        answer = RedirectResponse(wanted, 303)
        answer.set_cookie(
            COOKIE,
            cookie,
            path=ROOT,
            secure=came_by_https(request, proxies),
            httponly=True,
            samesite="strict",
        )
        return answer

    async def _refused(
        self, request: Request, judgement: Judgement, name: str, wanted: str
    ) -> Response:
        status, text = _REFUSALS[judgement.outcome]
        text = text.format(retry_s=judgement.retry_s)
        answer = await self._page(request, status, next=wanted, user=name, error=text)
        if judgement.retry_s:
            answer.headers["Retry-After"] = str(judgement.retry_s)
        return answer

    async def _page(self, request: Request, status: int = 200, **context: Any) -> Response:
        def render() -> Response:
            try:
                nobody = not self._parts.store.people.users()
            except StoreError:
                nobody = False
            blank = {"nobody": nobody, "user": "", "error": ""}
            return self._pages.render(request, "login.html", status, **(blank | context))

        return await run_in_threadpool(render)


def _local(wanted: str) -> str:
    """Where to go from here: only within the console."""
    return wanted if _NEXT.fullmatch(wanted) else ROOT
