"""What an app is written with: a Python file with handlers, run by `thingwarden run --app FILE`."""

from host_agent.app.agent import Agent
from host_agent.app.errors import AppError
from host_agent.app.events import DeviceEvent, ExternalEvent
from host_agent.app.requests import Request, Response
from host_agent.app.started import Started

__all__ = [
    "Agent",
    "AppError",
    "DeviceEvent",
    "ExternalEvent",
    "Request",
    "Response",
    "Started",
]
