"""`POST /devices/{device}/commands/{name}`: have a device do something, which SecuriThings is told
as an external event; `GET /devices/{device}/commands/{id}`: what became of it.

To OpenAPI, and to the router, they are one path.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from host_agent.commands import (
    COMMAND_NAME,
    MAX_OPEN,
    TTL_S,
    CommandError,
    State,
    TooManyCommands,
)
from host_agent.console.api.command_state import CommandState, state_of
from host_agent.console.api.devices import THE_DEVICE
from host_agent.console.api.operations import (
    JSON,
    Operation,
    content,
    json_answer,
    parameter,
    refusal,
    schema_of,
)
from host_agent.console.api.refusal import (
    Refused,
    forbidden,
    json_response,
    retry_after,
    unavailable,
    unknown_device,
)
from host_agent.console.client import client_of, user_agent_of
from host_agent.console.refused_requests import RefusedRequests
from host_agent.people import ApiToken
from host_agent.request_body import BodyRefused, read_body
from host_agent.store import Caller, Store, StoreError, StoreFull, UnknownDevice
from host_agent.tokens import may_command, may_read

MAX_BODY_BYTES = 4096
BODY_TIMEOUT_S = 10
RETRY_OPEN_S = 5
RETRY_FULL_S = 10
MAX_DETAIL = 256
"""Of what a refusal repeats of a request."""

_MIN, _MAX = -(2**63), 2**63 - 1
_Value = (
    bool
    | Annotated[int, Meta(ge=_MIN, le=_MAX)]
    | Annotated[float, Meta(ge=_MIN, le=_MAX)]
    | Annotated[str, Meta(max_length=128)]
    | None
)
_Who = Annotated[str, Meta(min_length=1, max_length=128)] | None


class CommandBody(msgspec.Struct, forbid_unknown_fields=True):
    """What the device is to do with it, how long the command is good for, and whom it is for: that
    goes to SecuriThings as USER_ID (without `user`, the token's name) and SESSION_ID."""

    value: _Value = None
    ttl_s: Annotated[float, Meta(ge=1, le=86400)] = TTL_S
    user: _Who = None
    session: _Who = None


class CommandGiven(msgspec.Struct):
    """A command that is durable now; `event_id` is EXT_EVT_ID of its event at SecuriThings."""

    id: int
    device: str
    name: str
    value: _Value
    state: State
    created_ms: int
    expires_ms: int
    event_id: str


PATH = "/devices/{device}/commands/{command}"
GIVE = Operation(
    "POST",
    PATH,
    "giveCommand",
    "Have a device do something",
    "token",
    {
        202: json_answer(
            "it is durable; Location tells what becomes of it", CommandGiven, "Location"
        ),
        400: refusal("no command, by its name or its body"),
        404: refusal("there is no such device"),
        408: refusal("the body came too slowly"),
        409: refusal(f"{MAX_OPEN} commands wait for the device already", "Retry-After"),
        413: refusal(f"a body has at most {MAX_BODY_BYTES} bytes"),
        415: refusal("a body must be application/json"),
    },
    (
        THE_DEVICE,
        parameter(
            "command",
            "path",
            {"type": "string", "pattern": f"^{COMMAND_NAME.pattern}$"},
            "what its board calls the command",
        ),
    ),
    {"required": False, "content": content(JSON, schema_of(CommandBody))},
    description="Needs the scope `commands`, `commands:DEVICE` or `commands:DEVICE:NAME`. The board"
    " has it with its next poll, and does it once at most. What is refused (400, 403, 408, 409,"
    " 413, 415) for a device that exists is an event at SecuriThings too, with `refused`, the"
    " `error`: 10 a minute for a token.",
)
SHOW = Operation(
    "GET",
    PATH,
    "showCommand",
    "What became of a command",
    "token",
    {200: json_answer("the command", CommandState), 404: refusal("there is no such command")},
    (
        THE_DEVICE,
        parameter("command", "path", {"type": "integer", "minimum": 1, "maximum": _MAX}, "its id"),
    ),
    description="Needs the scope `read`, or one that covers the command.",
)

_body = msgspec.json.Decoder(CommandBody)


class Commands:
    """Handlers."""

    def __init__(
        self, store: Store, refused: RefusedRequests, trusted_proxies: Sequence[str]
    ) -> None:
        self._store = store
        self._refused = refused
        self._trusted_proxies = trusted_proxies

    async def give(self, request: Request, token: ApiToken) -> Response:
        device, name = request.path_params["device"], request.path_params["command"]
        caller = Caller(
            source_ip=client_of(request, self._trusted_proxies) or None,
            user_agent=user_agent_of(request) or None,
            user_id=token.name,
            api_key_id=token.id,
        )
        try:
            if not may_command(token, device, name):
                raise forbidden("this needs a token with a scope that covers the command")
            body = await _read(request)
            caller = replace(caller, user_id=body.user or token.name, session_id=body.session)
            return await self._give(device, name, body, caller)
        except Refused as refused:
            refused.afterwards = self._refused.task(device, name, caller, refused.error)
            raise

    async def _give(self, device: str, name: str, body: CommandBody, caller: Caller) -> Response:
        """Raises Refused."""
        try:
            command, event_id = await self._store.commands.request(
                device, name, body.value, body.ttl_s, caller
            )
        except UnknownDevice as error:
            raise unknown_device() from error
        except TooManyCommands as error:
            raise Refused(409, "too_many_open", str(error), retry_after(RETRY_OPEN_S)) from error
        except CommandError as error:
            raise Refused(400, "malformed", str(error)[:MAX_DETAIL]) from error
        except StoreFull as error:
            detail = "the store is full: see /readyz and the agent's log"
            raise Refused(503, "full", detail, retry_after(RETRY_FULL_S)) from error
        except StoreError as error:
            raise unavailable(error) from error
        given = CommandGiven(
            id=command.id,
            device=command.device,
            name=command.name,
            value=command.args,
            state=command.state,
            created_ms=command.created_ms,
            expires_ms=command.expires_ms,
            event_id=event_id,
        )
        place = f"/devices/{command.device}/commands/{command.id}"
        return json_response(given, 202, {"Location": place})

    async def show(self, request: Request, token: ApiToken) -> Response:
        device, command_id = request.path_params["device"], _id(request.path_params["command"])
        try:
            command = await run_in_threadpool(self._store.commands.get, device, command_id)
        except StoreError as error:
            raise unavailable(error) from error
        if command is not None and (may_read(token) or may_command(token, device, command.name)):
            return json_response(state_of(command))
        if may_read(token):
            raise Refused(404, "unknown", "there is no such command")
        raise forbidden("this token may not read that, or it is not there")


async def _read(request: Request) -> CommandBody:
    """Raises Refused."""
    try:
        text = await read_body(request, "command", MAX_BODY_BYTES, BODY_TIMEOUT_S)
    except BodyRefused as error:
        names = {408: "too_slow", 413: "too_large"}
        name = names.get(error.status_code, "malformed")
        raise Refused(error.status_code, name, error.detail, error.headers) from error
    if not text:
        return CommandBody()
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise Refused(415, "not_json", f"Content-Type must be {JSON}")
    try:
        return _body.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Refused(400, "malformed", f"no command: {error}") from error


def _id(text: str) -> int:
    """0, which no command has, for what is no id."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
