"""The first page: how the whole thing is."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from host_agent.console.pages.rendering import Pages
from host_agent.console.parts import ConsoleParts


def overview_routes(parts: ConsoleParts) -> list[Route]:
    pages = Pages(parts)

    def overview(request: Request) -> Response:
        return pages.render(request, "overview.html")

    return [Route("/console", overview)]
