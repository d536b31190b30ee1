"""Sealed frames: JWE Compact Serialization (RFC 7516 7.1), `dir` with A128CBC-HS256 (RFC 7518 5.2).

The protected header is one exact byte string per device and direction. Whatever is not in the one
canonical form is refused before any cryptography; joserfc compares the tag in constant time before
it decrypts.
"""

import binascii
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from host_agent.errors import ThingWardenError
from host_agent.store import DEVICE_NAME

MAX_FRAME_BYTES = 16 * 1024
"""A longer report is refused unread (DESIGN section 4, sizes)."""

Direction = Literal["report", "reply"]

_ALG, _ENC = "dir", "A128CBC-HS256"
_REGISTRY = jwe.JWERegistry(algorithms=[_ALG, _ENC])
_HEADER = {
    direction: re.compile(
        rf'{{"alg":"{_ALG}","enc":"{_ENC}","kid":"({DEVICE_NAME.pattern})","typ":"{direction}"}}'
    )
    for direction in ("report", "reply")
}
_B64_16_BYTES = rb"[\w-]{21}[AQgw]"
_COMPACT = re.compile(rb"([\w-]+)\.\.%b\.([\w-]+)\.(%b)" % (_B64_16_BYTES, _B64_16_BYTES))
_AES_BLOCK = 16
_NOBODYS = (secrets.token_bytes(32), secrets.token_bytes(32))
"""In place of the keys that a device lacks."""


class FrameMalformed(ThingWardenError):
    """Not a frame in canonical form."""


class FrameUnauthenticated(ThingWardenError):
    """Of an unknown device, or not sealed with the key of the device it names."""


@dataclass(frozen=True, slots=True)
class OpenedReport:
    """An authenticated report, and the key that opened it. `tag` is its last segment, which the
    reply must name as `re`."""

    device: str
    key: bytes = field(repr=False)
    tag: str
    payload: bytes = field(repr=False)


def open_report(frame: bytes, keys_of: Callable[[str], Sequence[bytes]]) -> OpenedReport:
    """Authenticate and decrypt with one of `keys_of(device)`: none for an unknown device, two for
    one that is rotated. A refusal always costs the same work, of two keys."""
    device, tag = _inspect(frame, "report")
    keys = keys_of(device)
    for key in (*keys, *_NOBODYS)[: len(_NOBODYS)]:
        with suppress(FrameUnauthenticated):
            payload = _decrypt(frame, key)
            if key in keys:
                return OpenedReport(device, key, tag, payload)
    raise _unauthenticated()


def open_reply(frame: bytes, device: str, key: bytes) -> bytes:
    """The board's end: the payload of a reply to `device`."""
    named, _ = _inspect(frame, "reply")
    if named != device:
        raise _unauthenticated()
    return _decrypt(frame, key)


def seal_report(device: str, key: bytes, payload: bytes) -> str:
    """The board's end: a report from `device`."""
    return _seal("report", device, key, payload)


def seal_reply(device: str, key: bytes, payload: bytes) -> str:
    """A reply to `device`."""
    return _seal("reply", device, key, payload)


def _inspect(frame: bytes, direction: Direction) -> tuple[str, str]:
    """(device, tag) of a frame in canonical form."""
    match = _COMPACT.fullmatch(frame)
    if match is None:
        raise FrameMalformed("not a JWE in compact form with an empty second segment")
    header, ciphertext, tag = match.groups()
    size = len(ciphertext) * 3 // 4
    if len(ciphertext) % 4 == 1 or size % _AES_BLOCK or size == 0:
        raise FrameMalformed(f"the ciphertext is not whole blocks of {_AES_BLOCK} bytes")
    return _device_of(header, direction), tag.decode("ascii")


def _device_of(segment: bytes, direction: Direction) -> str:
    """The device named by a protected header of exactly the agreed bytes."""
    try:
        header = urlsafe_b64decode(segment + b"=" * (-len(segment) % 4)).decode("ascii")
    except ValueError as error:
        raise FrameMalformed("the header is not base64url of ASCII") from error
    match = _HEADER[direction].fullmatch(header)
    if match is None or urlsafe_b64encode(header.encode()).rstrip(b"=") != segment:
        raise FrameMalformed(f"the header is not the one of a {direction}")
    return match[1]


def _decrypt(frame: bytes, key: bytes) -> bytes:
    try:
        plaintext = jwe.decrypt_compact(frame, _import(key), registry=_REGISTRY).plaintext
    except binascii.Error as error:
        raise FrameMalformed("the ciphertext is not canonical base64url") from error
    except (JoseError, ValueError) as error:
        raise _unauthenticated() from error
    return plaintext or b""


def _seal(direction: Direction, device: str, key: bytes, payload: bytes) -> str:
    header = {"alg": _ALG, "enc": _ENC, "kid": device, "typ": direction}
    return jwe.encrypt_compact(header, payload, _import(key), registry=_REGISTRY)


@lru_cache(maxsize=4096)
def _import(key: bytes) -> OctKey:
    return OctKey.import_key(key)


def _unauthenticated() -> FrameUnauthenticated:
    return FrameUnauthenticated("unknown device, or not sealed with its key")
