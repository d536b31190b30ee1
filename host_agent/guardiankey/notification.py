"""A notification that GuardianKey posts to a webhook, believed only after checks (WIRE.md B9)."""

import base64
import binascii
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from host_agent.guardiankey.account import Account
from host_agent.guardiankey.cfb8 import decrypt
from host_agent.guardiankey.errors import NotificationError, NotificationSeen
from host_agent.guardiankey.verdict import Response, json_object, number_of, response_of, text_of

WINDOW_S = 3600.0
"""How far its generatedTime may be from now: a sender tries again while the receiver is away."""

MAX_BODY_BYTES = 64 * 1024

_MAX_ID = 256


@dataclass(frozen=True)
class Notification:
    """An event that GuardianKey found worth telling.

    `event_token` lets anybody resolve the event: it is a secret. `generated_time` is Unix s.
    `response` is ERROR if the notification has no known one. `raw` is the whole object.
    """

    event_id: str
    generated_time: int
    user_name: str
    response: Response
    risk_level: str
    risk: float | None
    client_ip: str
    service: str
    agent_id: str
    event_token: str = field(repr=False)
    raw: Mapping[str, object] = field(repr=False)


def open_notification(
    account: Account,
    body: str | bytes,
    content_type: str | None = None,
    now: float | None = None,
    *,
    window_s: float = WINDOW_S,
    seen: Callable[[str], bool] | None = None,
) -> Notification:
    """The notification in the body of a POST: JSON, or a form by `content_type` (None: either).

    It must be for this account, outside and inside, an object after decryption, with an eventId
    and a generatedTime within `window_s` of `now` (Unix s; None: the clock). `seen` tells whether
    an event id was taken before; without it, whoever stores notifications must refuse the second
    one, because the message itself cannot be told from its replay. Raises NotificationError.
    """
    outer = _outer(body, content_type)
    _check_group(account, outer.get("authGroupId"), "authGroupId")
    inner = _inner(account, outer.get("data"))
    _check_group(account, inner.get("authGroupId"), "authGroupId inside data")
    event_id = _event_id(inner)
    generated_time = _generated_time(inner)
    if not abs((time.time() if now is None else now) - generated_time) <= window_s:
        raise NotificationError("the notification is not fresh: generatedTime is too far from now")
    if seen is not None and seen(event_id):
        raise NotificationSeen("the notification was taken before: its eventId is known")
    return Notification(
        event_id=event_id,
        generated_time=generated_time,
        user_name=text_of(inner, "userName"),
        response=response_of(inner.get("event_response")) or Response.ERROR,
        risk_level=text_of(inner, "risk_level"),
        risk=number_of(inner, "risk_value"),
        client_ip=text_of(inner, "clientIP"),
        service=text_of(inner, "service"),
        agent_id=text_of(inner, "agentId"),
        event_token=text_of(inner, "event_token"),
        raw=inner,
    )


def _outer(body: object, content_type: str | None) -> Mapping[str, object]:
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    if not isinstance(body, bytes):
        raise NotificationError("the body must be bytes or a text", status=400)
    if len(body) > MAX_BODY_BYTES:
        raise NotificationError(f"the body has more than {MAX_BODY_BYTES} bytes", status=400)
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        return _form(body)
    if media_type.startswith("multipart/"):
        raise NotificationError("the body must be JSON or an urlencoded form", status=400)
    content = json_object(body)
    if content is None and not media_type:
        content = _form(body)
    if content is None:
        raise NotificationError("the body is not a JSON object", status=400)
    return content


def _form(body: bytes) -> dict[str, object]:
    try:
        fields = parse_qs(
            body.decode("ascii"), strict_parsing=True, max_num_fields=20, errors="strict"
        )
    except ValueError:
        raise NotificationError("the body is neither JSON nor a form", status=400) from None
    return {name: values[0] for name, values in fields.items() if len(values) == 1}


def _check_group(account: Account, told: object, name: str) -> None:
    """Strictly a text: the reference's loose comparison lets `true` pass for any id."""
    if not isinstance(told, str):
        raise NotificationError(f"{name} is missing or no text", status=400)
    if not hmac.compare_digest(
        told.encode("utf-8", "surrogatepass"), account.auth_group_id.encode()
    ):
        raise NotificationError(f"{name} is not that of this account")


def _inner(account: Account, data: object) -> dict[str, object]:
    if not isinstance(data, str):
        raise NotificationError("data is missing or no text", status=400)
    try:
        ciphertext = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        raise NotificationError("data is not base64", status=400) from None
    try:
        inner = json.loads(decrypt(account.key, account.iv, ciphertext).decode())
    except (ValueError, RecursionError):
        inner = None
    if not isinstance(inner, dict):
        raise NotificationError("data does not decrypt to a JSON object: another key, or damaged")
    return inner


def _event_id(inner: Mapping[str, object]) -> str:
    event_id = inner.get("eventId")
    if isinstance(event_id, str) and 1 <= len(event_id) <= _MAX_ID and event_id.isprintable():
        return event_id
    raise NotificationError(f"eventId must be a text of 1 to {_MAX_ID} printable characters")


def _generated_time(inner: Mapping[str, object]) -> int:
    """Some senders write it as a text (WIRE.md B10)."""
    told = inner.get("generatedTime")
    if isinstance(told, str) and told.isascii() and told.isdigit() and len(told) <= 12:
        return int(told)
    if isinstance(told, int) and not isinstance(told, bool) and 0 <= told < 10**12:
        return told
    raise NotificationError("generatedTime must be in Unix seconds")
