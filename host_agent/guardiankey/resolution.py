"""An event fetched and resolved by its token (WIRE.md B8); no I/O."""

from dataclasses import dataclass

from host_agent.guardiankey.answer import Answer, NoAnswer
from host_agent.guardiankey.errors import ResolutionError
from host_agent.guardiankey.verdict import json_object, number_of, text_of

ACTIONS = ("GOOD", "BAD")

_UNKNOWN = "GuardianKey knows no such event, or not with this token"


@dataclass(frozen=True)
class EventDetails:
    """What GuardianKey shows the user of an event; `time` is Unix s, None if it tells none."""

    user_name: str
    location: str
    ip_address: str
    system: str
    time: float | None


def event_content(event_id: object, token: object) -> dict[str, str]:
    """The content of /getevent. Raises ResolutionError naming what is wrong."""
    return {"eventid": _text("event_id", event_id), "token": _text("token", token)}


def resolve_content(event_id: object, token: object, action: object) -> dict[str, str]:
    """The content of /resolveevent."""
    if not isinstance(action, str) or action not in ACTIONS:
        raise ResolutionError(f"action must be {' or '.join(ACTIONS)}")
    return event_content(event_id, token) | {"action": action}


def details_of(answer: Answer | NoAnswer) -> EventDetails:
    """Raises ResolutionError if the event was not told."""
    content = json_object(_body_of(answer))
    if content is None:
        raise ResolutionError("GuardianKey's answer is not a JSON object")
    if content.get("return"):
        raise ResolutionError(_UNKNOWN)
    if "USERNAME" not in content:
        raise ResolutionError("GuardianKey's answer holds no event")
    return EventDetails(
        user_name=text_of(content, "USERNAME"),
        location=text_of(content, "LOCATION"),
        ip_address=text_of(content, "IPADDRESS"),
        system=text_of(content, "SYSTEM"),
        time=number_of(content, "DATETIME"),
    )


def check_resolved(answer: Answer | NoAnswer) -> None:
    """Raises ResolutionError if the resolution was not taken: {"return": "OK"} says that it was,
    another "return" not, and no client reads anything else."""
    content = json_object(_body_of(answer)) or {}
    if content.get("return") not in (None, "OK"):
        raise ResolutionError(_UNKNOWN)


def _body_of(answer: Answer | NoAnswer) -> str | bytes:
    if isinstance(answer, NoAnswer):
        raise ResolutionError(answer.reason)
    if answer.status != 200:
        raise ResolutionError(f"GuardianKey answered HTTP status {answer.status}")
    return answer.body


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ResolutionError(f"{name} must be a text that is not empty")
    return value
