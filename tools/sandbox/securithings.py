"""What SecuriThings' endpoint accepts as an event request (WIRE.md A1, A4); no I/O."""

import base64
import binascii
import hmac
from typing import Annotated, Literal

import msgspec

from host_agent.errors import ThingWardenError

_Optional = str | msgspec.UnsetType
_FromHeader = str | list[str] | None | msgspec.UnsetType
_Time = Annotated[str, msgspec.Meta(pattern=r"^[0-9]+\Z")] | Annotated[int, msgspec.Meta(ge=0)]


class BodyError(ThingWardenError):
    """The body is no event; the message names the field."""


class _Param(msgspec.Struct, forbid_unknown_fields=True):
    NAME: str
    VALUE: str


class _Event(msgspec.Struct, forbid_unknown_fields=True):
    TYPE: str
    SOURCE: Literal["USER", "DEVICE"]
    DEVICE_ID: str | None
    DEVICE_TYPE: str | int | float
    TIME: _Time
    USER_ID: _Optional = msgspec.UNSET
    SOURCE_GROUP_ID: _Optional = msgspec.UNSET
    SOURCE_GATEWAY_ID: _Optional = msgspec.UNSET
    SESSION_ID: _Optional = msgspec.UNSET
    EXT_EVT_ID: _Optional = msgspec.UNSET
    SOURCE_IP: _FromHeader = msgspec.UNSET
    USER_AGENT: _FromHeader = msgspec.UNSET
    PARAMS: Annotated[list[_Param], msgspec.Meta(min_length=1)] | msgspec.UnsetType = msgspec.UNSET


_decoder = msgspec.json.Decoder(_Event)


def check_body(body: bytes) -> None:
    """Raises BodyError unless every field of the JSON object has its name, type and presence."""
    try:
        _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BodyError(str(error)) from None


def authorized(authorization: str, api_key: str, api_secret: str) -> bool:
    """Whether the header holds these Basic credentials, split at the first colon (RFC 7617)."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        user_pass = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    key, _, secret = user_pass.partition(b":")
    right_key = hmac.compare_digest(key, api_key.encode())
    right_secret = hmac.compare_digest(secret, api_secret.encode())
    return scheme.lower() == "basic" and right_key and right_secret


def admits_json(accept: str) -> bool:
    """Whether an answer in JSON is welcome; no header (empty text) admits all (RFC 9110 12.5.1)."""
    if not accept.strip():
        return True
    for media_range in accept.split(","):
        name, *parameters = (part.strip().lower() for part in media_range.split(";"))
        if name in ("application/json", "application/*", "*/*"):
            quality = [p.removeprefix("q=") for p in parameters if p.startswith("q=")]
            return not quality or quality[0].strip("0.") != ""
    return False
