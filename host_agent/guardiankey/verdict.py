"""What GuardianKey answers, and what is made of an answer that is none (WIRE.md B5, B6)."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self


class Response(StrEnum):
    """Only BLOCK refuses access; ERROR is no verdict, and the caller decides (usually: let in)."""

    ACCEPT = "ACCEPT"
    NOTIFY = "NOTIFY"
    HARD_NOTIFY = "HARD_NOTIFY"
    BLOCK = "BLOCK"
    ERROR = "ERROR"


_MEANING = {
    **{response.value: response for response in Response},
    "ALLOW": Response.ACCEPT,
    "EXTRAREQUIREMENT": Response.HARD_NOTIFY,
    "TIMEOUT": Response.ERROR,
    "SETTING_MISSING": Response.ERROR,
}
_PASSING_REFUSALS = (404, 405, 407, 408, 421, 425, 429)  # of the place or the moment


def response_of(text: object) -> Response | None:
    """The meaning of a `response`, in either of GuardianKey's vocabularies; None if unknown."""
    return _MEANING.get(text) if isinstance(text, str) else None


@dataclass(frozen=True)
class Verdict:
    """The judgement of one attempt.

    With ERROR, `reason` says why there is none, and `retry` whether GuardianKey may take the event
    when it is sent again (False: it has it, or never will). Risks go from 0 to 100; None where the
    answer has no number. `event_token` lets anybody resolve the event: it is a secret. `raw` is
    the whole answer.
    """

    response: Response
    reason: str = ""
    retry: bool = False
    event_id: str = ""
    event_token: str = field(default="", repr=False)
    message: str = ""
    risk: float | None = None
    risk_psychometric: float | None = None
    risk_intel: float | None = None
    risk_context: float | None = None
    cacheable: bool = False  # for 30 minutes, for this client address
    client_ua: str = ""
    client_os: str = ""
    country: str = ""
    raw: Mapping[str, object] = field(default_factory=dict, repr=False)

    @property
    def allowed(self) -> bool:
        """Whether to let the user in when no verdict must not keep anybody out."""
        return self.response is not Response.BLOCK

    @classmethod
    def error(cls, reason: str, *, retry: bool = False) -> Self:
        """No verdict, and why; `retry` if the same event may be taken later."""
        return cls(Response.ERROR, reason, retry)

    @classmethod
    def from_answer(cls, status: int, body: str | bytes) -> Self:
        """Of an HTTP answer: a verdict only if it is 200 with an object whose response is known."""
        if status != 200:
            return cls.error(f"GuardianKey answered HTTP status {status}", retry=may_retry(status))
        answer = json_object(body)
        if answer is None:
            return cls.error("GuardianKey's answer is not a JSON object")
        response = response_of(answer.get("response"))
        if response is None:
            told = "no response" if "response" not in answer else "an unknown response"
            return cls(Response.ERROR, f"GuardianKey's answer has {told}", raw=answer)
        reason = f"GuardianKey answered {answer['response']}" if response is Response.ERROR else ""
        return cls(
            response,
            reason,
            event_id=text_of(answer, "eventId"),
            event_token=text_of(answer, "event_token"),
            message=text_of(answer, "message"),
            risk=number_of(answer, "risk"),
            risk_psychometric=number_of(answer, "risk_psychometric"),
            risk_intel=number_of(answer, "risk_intel"),
            risk_context=number_of(answer, "risk_context"),
            cacheable=answer.get("response_cache") in ("1", 1),
            client_ua=text_of(answer, "client_ua"),
            client_os=text_of(answer, "client_os"),
            country=text_of(answer, "country"),
            raw=answer,
        )


@dataclass(frozen=True)
class Sent:
    """What became of an event that wants no verdict; `reason` and `retry` as in a Verdict.

    `taken`: by REST the service has it; by UDP it was handed to the network, no more.
    """

    taken: bool
    reason: str = ""
    retry: bool = False

    @classmethod
    def from_answer(cls, status: int) -> Self:
        """Of an HTTP answer; its body says nothing (WIRE.md B3)."""
        if 200 <= status < 300:
            return cls(True)
        return cls(False, f"GuardianKey answered HTTP status {status}", may_retry(status))


def may_retry(status: int) -> bool:
    """Whether the same request may be taken later: not if it was refused for what it is."""
    return not 200 <= status < 300 and (not 400 <= status < 500 or status in _PASSING_REFUSALS)


def json_object(body: str | bytes) -> dict[str, object] | None:
    """The object that a body is, or None."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def text_of(answer: Mapping[str, object], name: str) -> str:
    """A field as a text that can be printed and stored; empty if it is something else."""
    value = answer.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).encode("utf-8", "replace").decode()


def number_of(answer: Mapping[str, object], name: str) -> float | None:
    """A field as a finite number, also from a text; None if it is something else."""
    value = answer.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
