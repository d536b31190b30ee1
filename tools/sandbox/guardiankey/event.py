"""What an event must hold, and the tolerance that clients need (WIRE.md B1, B10); no I/O."""

from dataclasses import dataclass

from tools.sandbox.guardiankey.accounts import Account
from tools.sandbox.guardiankey.envelope import kind
from tools.sandbox.guardiankey.refusal import Refusal

LIVE_S = 600
LATE_S = 7 * 86400

_REQUIRED = ("agentId", "organizationId", "authGroupId", "service", "clientIP", "userName")
_LIMITS = {
    **dict.fromkeys(_REQUIRED, 1024),
    **dict.fromkeys(("clientReverse", "authMethod", "userEmail", "event_type", "eventType"), 1024),
    "userAgent": 4096,
    "psychometricTyped": 32768,
    "psychometricImage": 32768,
}
_GKTINC_REQUIRED = ("agent_id", "organization_id", "authgroup_id", "service", "username")
_GKTINC_LIMITS = {
    **dict.fromkeys(_GKTINC_REQUIRED, 1024),
    **dict.fromkeys(("sa", "o1", "o2", "mh", "p", "su"), 4096),
}
_FAILED = {"0": False, "": False, "1": True, "True": True}
_MAX_DIGITS = 12


@dataclass(frozen=True)
class Attempt:
    """What is judged of an event; `time` in Unix seconds."""

    user: str
    address: str
    failed: bool
    time: int
    event_type: str = "Authentication"
    sequential: int | None = None
    service: str = ""
    agent_id: str = ""
    reverse: str = ""
    user_agent: str = ""
    auth_method: str = ""


def read_event(event: dict[str, object], account: Account, now: int, past_s: int) -> Attempt:
    """The attempt that the event tells, or Refusal; it is at most `past_s` seconds old."""
    _check_texts(event, _REQUIRED, _LIMITS)
    if event["authGroupId"] != account.auth_group_id:
        raise Refusal(403, "authGroupId", "is not the group that the request names")
    types = [event[name] for name in ("event_type", "eventType") if event.get(name)]
    if len(set(types)) > 1:
        raise Refusal(400, "eventType", "is not equal to event_type")
    return Attempt(
        user=str(event["userName"]),
        address=str(event["clientIP"]),
        failed=_failed(event),
        time=_time(event, "generatedTime", now, past_s),
        event_type=str(types[0]) if types else "Authentication",
        sequential=_number(event, "sequential") if "sequential" in event else None,
        service=str(event["service"]),
        agent_id=str(event["agentId"]),
        reverse=str(event.get("clientReverse") or ""),
        user_agent=str(event.get("userAgent") or ""),
        auth_method=str(event.get("authMethod") or ""),
    )


def read_gktinc(event: dict[str, object], account: Account, now: int) -> Attempt:
    """The same for the message of /v2/checkgktinc, which knows no address and no failure."""
    _check_texts(event, _GKTINC_REQUIRED, _GKTINC_LIMITS)
    if event["authgroup_id"] != account.auth_group_id:
        raise Refusal(403, "authgroup_id", "is not the group that the request names")
    return Attempt(
        user=str(event["username"]),
        address="",
        failed=False,
        time=_time(event, "timestamp", now, LIVE_S),
        service=str(event["service"]),
        agent_id=str(event["agent_id"]),
    )


def _check_texts(
    event: dict[str, object], required: tuple[str, ...], limits: dict[str, int]
) -> None:
    """What is not in `limits` may be anything; null stands for an optional text left out."""
    for name in required:
        if name not in event:
            raise Refusal(400, name, "is missing")
    for name, limit in limits.items():
        value = event.get(name, "")
        if value is None and name not in required:
            continue
        if not isinstance(value, str):
            raise Refusal(400, name, f"must be text, not {kind(value)}")
        if len(value) > limit:
            raise Refusal(413, name, f"has more than {limit} characters")


def _failed(event: dict[str, object]) -> bool:
    value = event.get("loginFailed")
    if isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    if isinstance(value, str) and value in _FAILED:
        return _FAILED[value]
    raise Refusal(400, "loginFailed", 'must be "0" or "1" (0, 1, true, false, "True", "" will do)')


def _time(event: dict[str, object], name: str, now: int, past_s: int) -> int:
    seconds = _number(event, name)
    if not now - past_s <= seconds <= now + LIVE_S:
        raise Refusal(403, name, f"{seconds} is not within {past_s} s of now, {now}")
    return seconds


def _number(event: dict[str, object], name: str) -> int:
    """A count of something, as a number or as a text of digits."""
    value = event.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value) if len(value) <= _MAX_DIGITS else -1
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**_MAX_DIGITS:
        return value
    raise Refusal(400, name, f"must be a whole number of at most {_MAX_DIGITS} digits")
