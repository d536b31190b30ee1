"""Every captured scenario of the reference client, replayed with ours against a real listener.

Rule for all scenarios: where the reference logs an error and goes on, ours raises SecuriThingsError
with the same words. A constructor that raises ends its scenario. Everything else that differs on
purpose (WIRE.md A4) is in DEPARTURES, step by step and with its reason.
"""

import json
import queue
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from host_agent.securithings import DEFAULT_URL, SecuriThings, SecuriThingsError

CASES = json.loads((Path(__file__).parent / "data" / "securithings.json").read_text())["cases"]

METHODS = {
    "addParam": "add_param",
    "setApiKeyID": "set_api_key_id",
    "setExtEvtID": "set_ext_evt_id",
    "setSessionID": "set_session_id",
    "setSourceGroupID": "set_source_group_id",
    "setUserID": "set_user_id",
    "setUserId": "set_user_id",
}


@dataclass
class Departure:
    """What ours does instead, by step: the error it raises (None: no error), the body it sends."""

    reason: str
    raises: dict[int, str | None] = field(default_factory=dict)
    sends: dict[int, dict[str, object]] = field(default_factory=dict)


def body(source: str, event_type: str, **more: str) -> dict[str, object]:
    return {
        "SOURCE": source,
        "TYPE": event_type,
        "DEVICE_ID": "2300000000000001",
        "DEVICE_TYPE": "HVAC",
        "TIME": "1484928000000",
        **more,
    }


DEPARTURES = {
    "st-p09": Departure(
        "a missing request header leaves its field out instead of losing the event",
        raises={1: None, 2: None},
        sends={
            2: body(
                "USER",
                "power_on",
                USER_AGENT="Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36",
            )
        },
    ),
    "st-p10": Departure(
        "a missing request header leaves its field out instead of losing the event",
        raises={1: None, 2: None},
        sends={2: body("USER", "power_on", SOURCE_IP="203.0.113.7")},
    ),
    "st-p13": Departure(
        "set_api_key_id does what the reference meant",
        raises={2: None},
        sends={3: body("DEVICE", "x", SOURCE_GATEWAY_ID="ifttt-key")},
    ),
    "st-p14": Departure(
        "both spellings of the reference's document become set_user_id",
        raises={2: None},
        sends={3: body("DEVICE", "x", USER_ID="u")},
    ),
    "st-p15": Departure(
        "the message names the type that is wanted", raises={4: "Session ID must be string"}
    ),
    "st-p16": Departure(
        "the message names the type that is wanted", raises={4: "Session ID must be string"}
    ),
    "st-p33": Departure(
        "an empty key or secret can only be a mistake", raises={0: "Missing api key or api secret"}
    ),
    "st-p34": Departure(
        "a table or array as a value is refused: its address tells nobody anything",
        raises={
            2: "parameter value must be a string, integer, float or boolean, not dict",
            3: "parameter value must be a string, integer, float or boolean, not list",
        },
        sends={4: body("DEVICE", "x")},
    ),
    "st-p35": Departure(
        "a typed error instead of a run-time one",
        raises={
            1: "event must come from create_device_event or create_external_event, not be a dict"
        },
    ),
}


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_scenario(case, listener, monkeypatch):
    departure = DEPARTURES.get(case["id"], Departure("none"))
    replay = Replay(case, listener.url, monkeypatch)
    try:
        for number, step in enumerate(case["steps"]):
            expected_error = departure.raises.get(number, error_of_reference(step))
            raised = replay.run(step)
            assert raised == expected_error, f"step {number}: {step['op']}"
            if replay.client is None:
                break
            for expected in expected_requests(step, departure.sends.get(number)):
                received = listener.requests.get(timeout=40)
                assert received.method == expected["method"]
                assert received.path == urlsplit(expected["url"]).path
                assert expected["headers"].items() <= titled(received.headers).items()
                assert received.body == expected["body"]
    finally:
        replay.close()
    with pytest.raises(queue.Empty):
        listener.requests.get_nowait()


def test_events_go_where_the_reference_sends_them():
    steps = [step for case in CASES for step in case["steps"]]
    urls = {request["url"] for step in steps for request in step.get("requests", [])}
    assert urls == {DEFAULT_URL}


class Replay:
    """Makes the reference's calls with our client; the clock it sees is the scenario's."""

    def __init__(self, case, url, monkeypatch):
        self.case = case
        self.url = url
        self.monkeypatch = monkeypatch
        self.client = None
        self.events = {}
        self.set_clock(case["now"])

    def set_clock(self, now):
        self.monkeypatch.setattr(time, "time", lambda: float(now))

    def run(self, step):
        """The message of the SecuriThingsError that the call raises, or None."""
        try:
            self.call(step)
        except SecuriThingsError as error:
            return str(error)
        return None

    def call(self, step):
        operation = step["op"]
        arguments = [value(argument) for argument in step.get("args", [])]
        if operation == "construct":
            url = self.url + urlsplit(DEFAULT_URL).path
            self.client = SecuriThings(*arguments, device_id=self.case["device_id"], url=url)
        elif operation == "setNow":
            self.set_clock(step["now"])
        elif operation == "createDeviceEvent":
            self.events[step["event"]["n"]] = self.client.create_device_event(*arguments)
        elif operation == "createExternalEvent":
            self.events[step["event"]["n"]] = self.client.create_external_event(*arguments)
        elif operation == "sendEvent":
            assert self.client.send_event(self.event(step), value(step["callback"])) is True
        else:
            getattr(self.event(step), METHODS[operation])(*arguments)

    def event(self, step):
        reference = step["event"]
        if reference is not None and reference["$"] == "event":
            return self.events.get(reference["n"])
        return value(reference)

    def close(self):
        if self.client is not None:
            self.client.close()


def value(captured):
    """A captured Squirrel value in Python (see `value_notation` in the data file)."""
    if not isinstance(captured, dict):
        return captured
    match captured["$"]:
        case "float":
            return float(captured["lit"])
        case "raw":
            return sum(int(term) for term in re.findall(r"[+-]?\d+", captured["lit"]))
        case "table":
            return {name: value(item) for name, item in captured["v"].items()}
        case "array":
            return [value(item) for item in captured["v"]]
        case "fn":
            return lambda _response: None
    raise AssertionError(f"unknown notation {captured}")


def error_of_reference(step):
    if step.get("throws"):
        return f"(a departure must say what happens instead of: {step['throws']})"
    return step["errors"][0] if step.get("errors") else None


def expected_requests(step, body_instead):
    if body_instead is None:
        return step.get("requests", [])
    return [
        {
            "method": "POST",
            "url": DEFAULT_URL,
            "headers": {
                "Accept": "application/json",
                "Content-Type": "application/json",
                "Authorization": "Basic c3Qta2V5LTAwMDE6c3Qtc2VjcmV0LTAwMDE=",
            },
            "body": body_instead,
        }
    ]


def titled(headers):
    return {name.title(): content for name, content in headers.items()}
