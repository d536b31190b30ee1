"""Events and their JSON object (WIRE.md A1, A3)."""

import http.client
import io

import pytest
import requests
import starlette.requests

from host_agent.securithings import Event, SecuriThingsError

ADDRESS = "203.0.113.7, 198.51.100.2"
AGENT = "Mozilla/5.0"

SETTERS = {
    "set_user_id": ("USER_ID", "User ID must be string"),
    "set_source_group_id": ("SOURCE_GROUP_ID", "Source group ID must be string"),
    "set_api_key_id": ("SOURCE_GATEWAY_ID", "Api key ID must be string"),
    "set_session_id": ("SESSION_ID", "Session ID must be string"),
    "set_ext_evt_id": ("EXT_EVT_ID", "External event ID must be string"),
}


def body_of(event):
    return event.body("attic", "HVAC", "1484928000000")


def test_smallest_body():
    assert body_of(Event("DEVICE", "buttonState")) == {
        "TYPE": "buttonState",
        "SOURCE": "DEVICE",
        "DEVICE_ID": "attic",
        "DEVICE_TYPE": "HVAC",
        "TIME": "1484928000000",
    }


@pytest.mark.parametrize("setter", SETTERS)
def test_a_setter_keeps_the_last_string(setter):
    key, message = SETTERS[setter]
    event = Event("DEVICE", "buttonState")
    for text in ("first", "", "last"):
        getattr(event, setter)(text)
        assert body_of(event)[key] == text
    for wrong in (None, 5, True, 1.5, b"bytes"):
        with pytest.raises(SecuriThingsError, match=message):
            getattr(event, setter)(wrong)
    with pytest.raises(SecuriThingsError, match="surrogate"):
        getattr(event, setter)("\udc00")
    assert body_of(event)[key] == "last"


def test_parameters_keep_their_order_and_repetitions():
    event = Event("DEVICE", "buttonState")
    for name, value in [("b", 1), ("a", 2), ("b", 1)]:
        event.add_param(name, value)
    assert body_of(event)["PARAMS"] == [
        {"NAME": "b", "VALUE": "1"},
        {"NAME": "a", "VALUE": "2"},
        {"NAME": "b", "VALUE": "1"},
    ]


def test_a_body_does_not_change_with_the_event():
    event = Event("DEVICE", "buttonState")
    event.add_param("a", 1)
    body = body_of(event)
    event.add_param("b", 2)
    event.set_user_id("u")
    assert "USER_ID" not in body
    assert body["PARAMS"] == [{"NAME": "a", "VALUE": "1"}]


@pytest.mark.parametrize("event_type", [5, True, b"x", ["x"]])
def test_a_type_that_is_no_string_is_refused(event_type):
    with pytest.raises(SecuriThingsError, match="event type must be a string"):
        Event("DEVICE", event_type)


def test_a_missing_type_is_refused():
    with pytest.raises(SecuriThingsError, match="missing event type parameter"):
        Event("DEVICE", None)


def test_an_unknown_source_is_refused():
    with pytest.raises(SecuriThingsError, match="'device'"):
        Event("device", "buttonState")


def starlette_request():
    headers = [(b"x-forwarded-for", ADDRESS.encode()), (b"user-agent", AGENT.encode())]
    return starlette.requests.Request({"type": "http", "headers": headers})


def requests_request():
    return requests.Request("GET", "http://a", {"User-Agent": AGENT, "X-Forwarded-For": ADDRESS})


class HttpServerHandler:
    """As in http.server: `.headers` is an email.message.Message."""

    headers = http.client.parse_headers(
        io.BytesIO(f"X-Forwarded-For: {ADDRESS}\r\nUser-Agent: {AGENT}\r\n\r\n".encode())
    )


class FlaskRequest:
    """As in werkzeug: `.headers` has `items()` with capitalised names."""

    headers = requests.structures.CaseInsensitiveDict(
        {"X-Forwarded-For": ADDRESS, "User-Agent": AGENT}
    )


@pytest.mark.parametrize(
    "request_",
    [
        starlette_request(),
        requests_request(),
        HttpServerHandler(),
        FlaskRequest(),
        {"headers": {"x-forwarded-for": ADDRESS, "user-agent": AGENT}},
        {"headers": {"X-FORWARDED-FOR": ADDRESS, "User-agent": AGENT}},
    ],
    ids=["starlette", "requests", "http.server", "flask", "mapping", "mapping-any-case"],
)
def test_a_request_tells_who_asked(request_):
    body = body_of(Event("USER", "power", request_))
    assert (body["SOURCE_IP"], body["USER_AGENT"]) == (ADDRESS, AGENT)


@pytest.mark.parametrize(
    "request_",
    [None, {}, {"headers": None}, {"headers": {}}, {"headers": {7: "x"}}, object(), "text"],
    ids=lambda given: type(given).__name__ if type(given) is object else repr(given),
)
def test_missing_headers_leave_their_fields_out(request_):
    body = body_of(Event("USER", "power", request_))
    assert not body.keys() & {"SOURCE_IP", "USER_AGENT"}


@pytest.mark.parametrize("value", [None, ["203.0.113.7", "198.51.100.2"], "", 7])
def test_a_header_value_is_passed_on_unchanged(value):
    event = Event("USER", "power", {"headers": {"x-forwarded-for": value}})
    assert body_of(event)["SOURCE_IP"] == value


@pytest.mark.parametrize("value", [b"bytes", object(), float("nan"), "\ud800"])
def test_a_header_value_that_json_cannot_carry_is_refused(value):
    with pytest.raises(SecuriThingsError, match="user-agent"):
        Event("USER", "power", {"headers": {"user-agent": value}})
