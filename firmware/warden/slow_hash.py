"""PBKDF2-HMAC-SHA256 (RFC 8018 5.2, RFC 2104), in slices: the loop keeps its rhythm meanwhile.

The other end is host_agent/access.py.
"""

import hashlib
from time import ticks_diff, ticks_ms

_BLOCK = 64
_LENGTH = 16  # bytes of the result: less than one block, so one block is all there is to do


class Pbkdf2:
    """One derivation of 16 bytes: `step` until it gives them. ValueError for no iterations."""

    def __init__(self, password, salt, iterations):
        if iterations < 1:
            raise ValueError("iterations: at least 1")
        if len(password) > _BLOCK:
            password = hashlib.sha256(password).digest()
        password = password + bytes(_BLOCK - len(password))
        self._inner = bytes(b ^ 0x36 for b in password)
        self._outer = bytes(b ^ 0x5C for b in password)
        self._last = salt + b"\x00\x00\x00\x01"
        self._sum = 0
        self._left = iterations

    def step(self, budget_ms):
        """Work for `budget_ms`, one round at least: None, or the result once it is there."""
        # The hash objects have no copy, so each takes its padded key anew.
        sha256 = hashlib.sha256
        inner, outer, last = self._inner, self._outer, self._last
        started = ticks_ms()
        while self._left:
            mac = sha256(inner)
            mac.update(last)
            last = mac.digest()
            mac = sha256(outer)
            mac.update(last)
            last = mac.digest()
            self._sum ^= int.from_bytes(last, "big")
            self._left -= 1
            if ticks_diff(ticks_ms(), started) >= budget_ms:
                break
        self._last = last
        return None if self._left else self._sum.to_bytes(32, "big")[:_LENGTH]
