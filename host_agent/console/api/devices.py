"""`GET /devices` and `GET /devices/{device}`: the devices, never their keys."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from host_agent.clock import now_ms
from host_agent.commands import as_it_stands
from host_agent.console.api.bearer import check_may_read
from host_agent.console.api.command_state import CommandState, state_of
from host_agent.console.api.operations import Operation, json_answer, parameter, refusal
from host_agent.console.api.refusal import json_response, unknown_device
from host_agent.people import ApiToken
from host_agent.store import DEVICE_NAME, Device, Store


class DeviceState(msgspec.Struct):
    """A device; `health` is what its board tells of itself, null fields were never told."""

    name: str
    type: str
    group: str
    last_seen_ms: int | None
    boot: int
    health: dict[str, Any]
    open_commands: list[CommandState]


class DeviceList(msgspec.Struct):
    """Every device, by name."""

    devices: list[DeviceState]


THE_DEVICE = parameter(
    "device", "path", {"type": "string", "pattern": f"^{DEVICE_NAME.pattern}$"}, "its name"
)
LIST = Operation(
    "GET",
    "/devices",
    "listDevices",
    "Every device, by name",
    "token",
    {200: json_answer("the devices", DeviceList)},
    description="Needs the scope `read`.",
)
SHOW = Operation(
    "GET",
    "/devices/{device}",
    "showDevice",
    "A device",
    "token",
    {200: json_answer("the device", DeviceState), 404: refusal("there is no such device")},
    (THE_DEVICE,),
    description="Needs the scope `read`.",
)


class Devices:
    """Handlers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(self, _: Request, token: ApiToken) -> Response:
        check_may_read(token)
        devices = [self._state(device) for device in self._store.devices()]
        return json_response(DeviceList(devices))

    async def show(self, request: Request, token: ApiToken) -> Response:
        check_may_read(token)
        device = self._store.device(request.path_params["device"])
        if device is None:
            raise unknown_device()
        return json_response(self._state(device))

    def _state(self, device: Device) -> DeviceState:
        now = now_ms()
        standing = [
            as_it_stands(command, now) for command in self._store.commands.open(device.name)
        ]
        return DeviceState(
            name=device.name,
            type=device.type,
            group=device.group,
            last_seen_ms=device.last_seen_ms,
            boot=device.boot,
            health=device.health,
            open_commands=[state_of(command) for command in standing if command.state == "open"],
        )
