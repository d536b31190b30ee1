"""The login page, its form, and the way out."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from host_agent.console.guard import COOKIE, LOGIN, ROOT
from host_agent.console.pages.rendering import Pages
from host_agent.console.parts import ConsoleParts

LOGOUT = f"{ROOT}/logout"


def login_routes(parts: ConsoleParts, pages: Pages) -> list[BaseRoute]:
    async def log_out(request: Request) -> Response:
        parts.sessions.end(request.state.session)
        answer = RedirectResponse(LOGIN, 303)
        answer.delete_cookie(COOKIE, path=ROOT)
        return answer

    return [Route(LOGOUT, log_out, methods=["POST"])]
