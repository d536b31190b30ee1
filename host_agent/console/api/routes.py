"""The routes of the API."""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from host_agent.console.api import commands, devices
from host_agent.console.api.bearer import Bearer
from host_agent.console.api.commands import Commands
from host_agent.console.api.devices import Devices
from host_agent.console.api.endpoint import Desk, Endpoint, Handler
from host_agent.console.api.openapi import DOCUMENT, document
from host_agent.console.api.operations import JSON, Operation
from host_agent.console.parts import ConsoleParts
from host_agent.console.refused_requests import RefusedRequests


def api_routes(parts: ConsoleParts, bearer: Bearer) -> list[BaseRoute]:
    """Everything for programs."""
    desk = Desk(bearer, parts.metrics)
    its_devices = Devices(parts.store)
    refused = RefusedRequests(parts.store, parts.metrics)
    its_commands = Commands(parts.store, refused, parts.trusted_proxies)
    handlers: list[tuple[Operation, Handler]] = [
        (devices.LIST, its_devices.list),
        (devices.SHOW, its_devices.show),
        (commands.GIVE, its_commands.give),
        (commands.SHOW, its_commands.show),
    ]
    paths: dict[str, dict[str, Handler]] = {}
    for operation, handler in handlers:
        paths.setdefault(operation.path, {})[operation.method] = handler
    return [
        *(Route(path, Endpoint(desk, methods)) for path, methods in paths.items()),
        Route(DOCUMENT.path, _described()),
    ]


def _described() -> Callable[[Request], Awaitable[Response]]:
    text = msgspec.json.encode(document())

    async def describe(_: Request) -> Response:
        return Response(text, media_type=JSON)

    return describe
