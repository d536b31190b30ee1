"""One device's page, and the form that gives it a command."""

from starlette.routing import BaseRoute

from host_agent.console.pages.rendering import Pages
from host_agent.console.parts import ConsoleParts


def device_routes(parts: ConsoleParts, pages: Pages) -> list[BaseRoute]:
    return []
