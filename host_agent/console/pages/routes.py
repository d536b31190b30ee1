"""The routes of the console's pages; the guard has let in who asks for them."""

from starlette.routing import BaseRoute

from host_agent.console.pages.device import device_routes
from host_agent.console.pages.events import event_routes
from host_agent.console.pages.overview import overview_routes
from host_agent.console.pages.stream import stream_routes
from host_agent.console.parts import ConsoleParts


def page_routes(parts: ConsoleParts) -> list[BaseRoute]:
    """Everything for people but the login."""
    return [
        *overview_routes(parts),
        *device_routes(parts),
        *event_routes(parts),
        *stream_routes(parts),
    ]
