"""What the console's pages take and answer: they are for people, who have logged in."""

from collections.abc import Mapping

from host_agent.console.api.operations import (
    FORM,
    HTML,
    Json,
    Needs,
    Operation,
    answer,
    content,
    parameter,
)
from host_agent.console.pages.event_search import FIELDS, STATES
from host_agent.console.places import LIVE, LOGIN, LOGOUT, ROOT, STATIC

_TEXT: Json = {"type": "string"}
_HTML = content(HTML)
_ELSEWHERE = answer("see there", None, "Location")
_UNAVAILABLE = answer("the store cannot be used, or too much is asked at a time", _HTML)
_DEVICE = parameter("device", "path", _TEXT, "its name")
_EVENT = parameter("id", "path", {"type": "integer", "minimum": 1}, "its number in the store")
_FORM_ANSWERS = {
    303: _ELSEWHERE,
    400: answer("no fields in UTF-8", _HTML),
    403: answer("not from a page of the console, or from one that is too old", _HTML),
    408: answer("the form came too slowly", _HTML),
    413: answer("the form is too large", _HTML),
    415: answer("no urlencoded form", _HTML),
    503: _UNAVAILABLE,
}


def _page(
    path: str,
    name: str,
    summary: str,
    *parameters: Json,
    needs: Needs = "session",
    more: Mapping[int, Json] | None = None,
) -> Operation:
    answers = {200: answer("the page", _HTML), 303: _ELSEWHERE, 503: _UNAVAILABLE}
    return Operation("GET", path, name, summary, needs, answers | dict(more or {}), parameters)


def _form(
    path: str,
    name: str,
    summary: str,
    *fields: str,
    parameters: tuple[Json, ...] = (),
    needs: Needs = "session",
    more: Mapping[int, Json] | None = None,
) -> Operation:
    """A form and its text fields; one for people with a session has their `csrf` too."""
    required = ["csrf"] if needs == "session" else []
    schema = {
        "type": "object",
        "properties": dict.fromkeys((*required, *fields), _TEXT),
        "required": required,
    }
    body = {"required": True, "content": content(FORM, schema)}
    answers = _FORM_ANSWERS | dict(more or {})
    return Operation("POST", path, name, summary, needs, answers, parameters, body)


OPERATIONS = (
    Operation("GET", "/", "home", "The way to the console", "nothing", {303: _ELSEWHERE}),
    _page(
        LOGIN,
        "showLogin",
        "The form to log in",
        parameter("next", "query", _TEXT, "where to go"),
        needs="nothing",
    ),
    _form(
        LOGIN,
        "logIn",
        "Log in: 303 with a cookie, or the form again",
        "user",
        "password",
        "next",
        needs="nothing",
        more={429: answer("too many attempts", _HTML, "Retry-After")},
    ),
    _form(LOGOUT, "logOut", "End the session"),
    Operation(
        "GET",
        f"{STATIC}/{{file}}",
        "showFile",
        "Style and script of the pages",
        "nothing",
        {
            200: answer("the file", content("*/*")),
            304: answer("as before"),
            404: answer("no such file", _HTML),
        },
        (parameter("file", "path", _TEXT, "its name"),),
    ),
    _page(ROOT, "showOverview", "Devices, the flow, what waits and what was given up"),
    _page(
        f"{ROOT}/devices/{{device}}",
        "showDevicePage",
        "A device: facts, readings, commands",
        _DEVICE,
        more={404: answer("there is no such device", _HTML)},
    ),
    _form(
        f"{ROOT}/devices/{{device}}/commands",
        "giveCommandByForm",
        "Have a device do something",
        "name",
        "value",
        "ttl_s",
        parameters=(_DEVICE,),
    ),
    _page(
        f"{ROOT}/events",
        "searchEvents",
        "Events, newest first",
        *(
            parameter(
                field,
                "query",
                {"type": "string", "enum": ["", *STATES]} if field == "state" else _TEXT,
                "",
            )
            for field in FIELDS
        ),
        parameter("before", "query", _TEXT, "the number of an event: only older ones"),
        more={400: answer("a field cannot be understood", _HTML)},
    ),
    _page(
        f"{ROOT}/events/{{id}}",
        "showEvent",
        "The journey of an event",
        _EVENT,
        more={404: answer("there is no such event", _HTML)},
    ),
    _form(
        f"{ROOT}/events/{{id}}/retry",
        "retryEvent",
        "Send a dead letter again",
        parameters=(_EVENT,),
    ),
    _form(
        f"{ROOT}/dead-letters/retry",
        "retryEvents",
        "Send dead letters again, all or those of a device",
        "device",
    ),
    Operation(
        "GET",
        LIVE,
        "watch",
        "Server-sent events: `changed`, when something did",
        "session",
        {
            200: answer("without end", content("text/event-stream")),
            401: answer("log in first", content("text/plain")),
            503: answer("too many watch", content("text/plain"), "Retry-After"),
        },
    ),
)
