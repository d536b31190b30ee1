"""Sealed frames: JWE Compact Serialization (RFC 7516 7.1), `dir` with A128CBC-HS256 (RFC 7518 5.2).

The other end is host_agent/link/frames.py.
"""

import binascii
import hashlib
import os

from cryptolib import aes

REPLY_LIMIT = 2048
FRAME_LIMIT = 4096

_CBC = 2
_BLOCK = 16
_TAG_BASE64 = 22


class FrameError(Exception):
    """These bytes are no frame for us: malformed, of another kind, or not sealed with our key."""


class Codec:
    """Seals reports and opens replies of one device with its 32-byte key (MAC half, AES half)."""

    def __init__(self, device, key):
        if len(key) != 32:
            raise ValueError("a device key has 32 bytes")
        self._aes_key = key[16:]
        self._inner = bytes(b ^ 0x36 for b in key[:16]) + b"\x36" * 48
        self._outer = bytes(b ^ 0x5C for b in key[:16]) + b"\x5c" * 48
        self._report = _encode(_header(device, "report"))
        self._reply = _encode(_header(device, "reply"))

    def capacity(self):
        """The longest payload in bytes whose frame keeps within FRAME_LIMIT."""
        base64 = FRAME_LIMIT - len(self._report) - 4 - 2 * _TAG_BASE64
        return base64 * 3 // 4 // _BLOCK * _BLOCK - 1

    def seal(self, payload):
        """(frame around `payload`, its tag as text: what a reply names as `re`)."""
        pad = _BLOCK - len(payload) % _BLOCK
        text = bytearray(payload)
        text.extend(bytes([pad]) * pad)
        iv = os.urandom(_BLOCK)
        aes(self._aes_key, _CBC, iv).encrypt(text, text)
        tag = _encode(self._tag(self._report, iv, text))
        return b".".join((self._report, b"", _encode(iv), _encode(text), tag)), tag

    def open(self, frame):
        """The payload of a reply. FrameError unless it is whole and sealed with our key."""
        parts = frame.split(b".") if len(frame) <= REPLY_LIMIT else []
        if len(parts) != 5 or parts[0] != self._reply or parts[1]:
            raise FrameError("not a reply to this device")
        try:
            iv, text, tag = _decode(parts[2]), _decode(parts[3]), _decode(parts[4])
        except ValueError:
            raise FrameError("not base64url") from None
        if len(iv) != _BLOCK or not text or len(text) % _BLOCK:
            raise FrameError("truncated")
        if not _same(tag, self._tag(self._reply, iv, text)):
            raise FrameError("not sealed with this device's key")
        text = aes(self._aes_key, _CBC, iv).decrypt(text)
        return text[: -text[-1]]

    def _tag(self, header, iv, text):
        mac = hashlib.sha256(self._inner)
        for part in (header, iv, text, (len(header) * 8).to_bytes(8, "big")):
            mac.update(part)
        return hashlib.sha256(self._outer + mac.digest()).digest()[:16]


def _header(device, kind):
    return ('{"alg":"dir","enc":"A128CBC-HS256","kid":"%s","typ":"%s"}' % (device, kind)).encode()


def _encode(data):
    text = binascii.b2a_base64(data).rstrip(b"\n=")
    return text.replace(b"+", b"-").replace(b"/", b"_")


def _decode(text):
    text = text.replace(b"-", b"+").replace(b"_", b"/")
    return binascii.a2b_base64(text + b"==="[: -len(text) % 4])


def _same(a, b):
    # Constant time: how far a forged tag agrees must not show.
    if len(a) != len(b):
        return False
    difference = 0
    for x, y in zip(a, b):
        difference |= x ^ y
    return difference == 0
