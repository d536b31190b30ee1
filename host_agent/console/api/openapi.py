"""The OpenAPI 3.1 document of everything that the console's listener answers."""

from typing import Any

import msgspec

from host_agent.console.api import commands, devices, pages
from host_agent.console.api.command_state import CommandState
from host_agent.console.api.operations import JSON, Json, Needs, Operation, answer, refusal
from host_agent.console.api.refusal import Refusal
from host_agent.console.health import HEALTH, READY, SCRAPE, Readiness

DOCUMENT = Operation(
    "GET",
    "/openapi.json",
    "describe",
    "This document",
    "nothing",
    {200: answer("the document", {JSON: {"schema": {"type": "object"}}})},
)
OPERATIONS = (
    devices.LIST,
    devices.SHOW,
    commands.GIVE,
    commands.SHOW,
    DOCUMENT,
    HEALTH,
    READY,
    SCRAPE,
    *pages.OPERATIONS,
)

_TYPES = (
    devices.DeviceList,
    devices.DeviceState,
    commands.CommandBody,
    commands.CommandGiven,
    CommandState,
    Readiness,
    Refusal,
)
_SECURITY: dict[Needs, list[Json]] = {
    "nothing": [],
    "token": [{"token": []}],
    "token from afar": [{}, {"token": []}],
    "session": [{"session": []}],
}
_OF_TOKENS = {
    401: refusal("no token, or none that is good", "WWW-Authenticate"),
    403: refusal("the token lacks the scope", "WWW-Authenticate"),
    429: refusal("too many requests without a good token from this address", "Retry-After"),
    503: refusal("busy, the store is full, or it cannot be used", "Retry-After"),
}
_ANSWERS: dict[Needs, dict[int, Json]] = {
    "nothing": {},
    "token": _OF_TOKENS,
    "token from afar": _OF_TOKENS,
    "session": {},
}


def document() -> Json:
    """The document as JSON has it."""
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _told(operation)
    _, schemas = msgspec.json.schema_components(_TYPES, ref_template="#/components/schemas/{name}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ThingWarden",
            "version": "1",
            "description": "For programs: devices and commands to them, with a token of"
            " `thingwarden token add`. For people: the console, after a login. Times are Unix"
            " milliseconds.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "thingwarden"},
            },
        },
    }


def _told(operation: Operation) -> Json:
    answers = _ANSWERS[operation.needs] | dict(operation.answers)
    told: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "security": _SECURITY[operation.needs],
        "responses": {str(status): answers[status] for status in sorted(answers)},
    }
    if operation.description:
        told["description"] = operation.description
    if operation.parameters:
        told["parameters"] = list(operation.parameters)
    if operation.body is not None:
        told["requestBody"] = operation.body
    return told
