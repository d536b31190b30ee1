"""The console's ASGI application: pages for people, the API, and what machines watch."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from host_agent.console.api.bearer import Bearer
from host_agent.console.api.routes import api_routes
from host_agent.console.guard import Guard
from host_agent.console.headers import SECURITY_HEADERS, SecurityHeaders
from host_agent.console.health import health_routes
from host_agent.console.login import login_routes
from host_agent.console.pages.rendering import Pages
from host_agent.console.pages.routes import page_routes
from host_agent.console.parts import ConsoleParts
from host_agent.console.places import ROOT, STATIC
from host_agent.console.refusals import refusals
from host_agent.loopback import own_names
from host_agent.store import StoreError

MAX_CONNECTIONS = 512

_files = StaticFiles(directory=Path(__file__).parent / "static")


def console_app(parts: ConsoleParts) -> Starlette:
    """For a listener of MAX_CONNECTIONS on `parts.host`; on loopback it answers `own_names` only,
    unless a proxy stands in front."""
    names = ["*"] if parts.trusted_proxies else own_names(parts.host)
    bearer = Bearer(parts.store, parts.trusted_proxies)
    pages = Pages(parts)
    refuse = refusals(pages)
    app = Starlette(
        routes=[
            Route("/", _home),
            Route(f"{STATIC}/{{file}}", _static),
            *health_routes(parts, bearer),
            *login_routes(parts, pages),
            *page_routes(parts),
            *api_routes(parts, bearer),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=names, www_redirect=False),
            Middleware(Guard, parts=parts, refuse=refuse),
        ],
        exception_handlers={HTTPException: refuse, StoreError: refuse, Exception: _failed},
    )
    app.router.redirect_slashes = False  # it would name the Host of the request, and plain http
    return app


async def _home(_: Request) -> Response:
    return RedirectResponse(ROOT, 303)


async def _failed(_: Request, __: Exception) -> Response:
    """A defect of ours; the log has it. No middleware sees this answer."""
    return PlainTextResponse("the agent failed: see its log\n", 500, SECURITY_HEADERS)


async def _static(request: Request) -> Response:
    answer = await _files.get_response(request.path_params["file"], request.scope)
    answer.headers["Cache-Control"] = "no-cache"
    return answer
