"""The search for events, one event's journey, and the forms that retry dead letters."""

from starlette.routing import BaseRoute

from host_agent.console.pages.rendering import Pages
from host_agent.console.parts import ConsoleParts


def event_routes(parts: ConsoleParts, pages: Pages) -> list[BaseRoute]:
    return []
