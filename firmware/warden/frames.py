"""Sealed frames: JWE Compact Serialization (RFC 7516 7.1), `dir` with A128CBC-HS256 (RFC 7518 5.2).

The other end is host_agent/link/frames.py.
"""

import binascii
import hashlib
import os

from cryptolib import aes

FRAME_LIMIT = 4096
REPLY_LIMIT = 2048

_CBC = 2
_BLOCK = 16
_TAG_BASE64 = 22
_CHUNK = 384  # a multiple of 3: its base64 stands alone


class FrameError(Exception):
    """These bytes are no frame for us: malformed, of another kind, or not sealed with our key."""


class Codec:
    """Seals frames of one kind and opens frames of another, for one device and its 32-byte key.

    The payload is written into `payload`, `capacity` bytes at the most, and sealed there: a heap in
    pieces has no room for fresh kilobytes.
    """

    def __init__(self, device, key, seals="report", opens="reply", limit=REPLY_LIMIT):
        if len(key) != 32:
            raise ValueError("a device key has 32 bytes")
        self._aes_key = key[16:]
        self._inner = bytes(b ^ 0x36 for b in key[:16]) + b"\x36" * 48
        self._outer = bytes(b ^ 0x5C for b in key[:16]) + b"\x5c" * 48
        self._seals = _encode(_header(device, seals))
        self._opens = _encode(_header(device, opens))
        self._limit = limit
        base64 = FRAME_LIMIT - len(self._seals) - 4 - 2 * _TAG_BASE64
        self.capacity = base64 * 3 // 4 // _BLOCK * _BLOCK - 1
        self.payload = bytearray(self.capacity + 1)
        self._frame = bytearray(FRAME_LIMIT)

    def seal(self, length):
        """Seal the first `length` bytes of `payload`: (frame, its tag as text).

        The frame is a view that the next `seal` overwrites. The tag is what a reply names as `re`.
        """
        pad = _BLOCK - length % _BLOCK
        self.payload[length : length + pad] = bytes([pad]) * pad
        text = memoryview(self.payload)[: length + pad]
        iv = os.urandom(_BLOCK)
        aes(self._aes_key, _CBC, iv).encrypt(text, text)
        tag = _encode(self._tag(self._seals, iv, text))
        end = self._put(0, self._seals)
        end = self._put(end, b"..")
        end = self._put(end, _encode(iv))
        end = self._put(end, b".")
        for start in range(0, len(text), _CHUNK):
            end = self._put(end, _encode(text[start : start + _CHUNK]))
        end = self._put(end, b".")
        end = self._put(end, tag)
        return memoryview(self._frame)[:end], tag

    def open(self, frame):
        """The payload of a frame to us. FrameError unless it is whole and sealed with our key."""
        parts = frame.split(b".") if len(frame) <= self._limit else []
        if len(parts) != 5 or parts[0] != self._opens or parts[1]:
            raise FrameError("not a frame for this device")
        try:
            iv, text, tag = _decode(parts[2]), _decode(parts[3]), _decode(parts[4])
        except ValueError:
            raise FrameError("not base64url") from None
        if len(iv) != _BLOCK or not text or len(text) % _BLOCK:
            raise FrameError("truncated")
        if not _same(tag, self._tag(self._opens, iv, text)):
            raise FrameError("not sealed with this device's key")
        text = aes(self._aes_key, _CBC, iv).decrypt(text)
        return text[: -text[-1]]

    def _put(self, at, data):
        end = at + len(data)
        self._frame[at:end] = data
        return end

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
