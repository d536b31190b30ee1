"""An access attempt as GuardianKey wants it (WIRE.md B1, B10); no I/O."""

import ipaddress
import json
from dataclasses import dataclass

from host_agent.guardiankey.account import Account
from host_agent.guardiankey.errors import EventError

AUTHENTICATION = "Authentication"
USER_AGENT_CHARACTERS = 500

_MAX_TEXT = 1024


@dataclass(frozen=True)
class Attempt:
    """Somebody asks for access; what a caller gave, unchecked.

    None stands for what is not known, in every field but `user_name` and `login_failed`.
    """

    user_name: object
    user_email: object = None
    login_failed: object = False
    client_ip: object = None
    user_agent: object = None
    event_type: object = AUTHENTICATION
    client_reverse: object = None
    auth_method: object = None


def event_text(account: Account, attempt: Attempt, generated_time: int) -> str:
    """The event's JSON text; v2 hashes exactly this text.

    `generated_time` is in Unix s. Texts have at most 1024 characters; a longer user agent is cut
    to 500 characters. `client_ip` is an address or empty. Raises EventError naming the argument.
    """
    failed = attempt.login_failed
    if not isinstance(failed, bool):
        raise EventError(f"login_failed must be True or False, not {type(failed).__name__}")
    event = {
        "generatedTime": generated_time,
        "agentId": account.agent_id,
        "organizationId": account.organization_id,
        "authGroupId": account.auth_group_id,
        "service": account.service,
        "clientIP": _address("client_ip", attempt.client_ip),
        "clientReverse": _optional("client_reverse", attempt.client_reverse),
        "userName": _text("user_name", attempt.user_name),
        "authMethod": _optional("auth_method", attempt.auth_method),
        "loginFailed": "1" if failed else "0",
        "userAgent": _optional("user_agent", _start(attempt.user_agent)),
        "psychometricTyped": "",
        "psychometricImage": "",
        "event_type": _optional("event_type", attempt.event_type) or AUTHENTICATION,
        "userEmail": _optional("user_email", attempt.user_email),
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def _start(user_agent: object) -> object:
    return user_agent[:USER_AGENT_CHARACTERS] if isinstance(user_agent, str) else user_agent


def _optional(name: str, value: object) -> str:
    return "" if value is None else _text(name, value)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise EventError(f"{name} must be a text, not {type(value).__name__}")
    if len(value) > _MAX_TEXT:
        raise EventError(f"{name} has {len(value)} characters; {_MAX_TEXT} are the most")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise EventError(
            f"{name} holds a lone surrogate, which UTF-8 cannot carry: decode it properly first"
        ) from None
    return value


def _address(name: str, value: object) -> str:
    text = _optional(name, value)
    if not text:
        return text
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise EventError(f"{name} must be an IP address or empty") from None
    return text
