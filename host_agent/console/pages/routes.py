"""The routes of the console's pages; the guard has let in who asks for them."""

from starlette.routing import BaseRoute

from host_agent.console.pages.device import device_routes
from host_agent.console.pages.events import event_routes
from host_agent.console.pages.in_turn import InTurn
from host_agent.console.pages.overview import overview_routes
from host_agent.console.pages.stream import stream_routes
from host_agent.console.parts import ConsoleParts


def page_routes(parts: ConsoleParts) -> list[BaseRoute]:
    """Everything for people but the login."""
    in_turn = InTurn()
    pages = [*overview_routes(parts), *device_routes(parts), *event_routes(parts)]
    return [*map(in_turn.page, pages), *stream_routes(parts)]
