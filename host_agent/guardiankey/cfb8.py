"""AES-256 in CFB mode with 8-bit segments, NIST SP 800-38A 6.3 (WIRE.md B2); no padding."""

from typing import Any

from Crypto.Cipher import AES

from host_agent.guardiankey.errors import GuardianKeyError
from host_agent.guardiankey.settings import IV_BYTES, KEY_BYTES


def encrypt(key: bytes, iv: bytes, data: bytes) -> bytes:
    """The ciphertext, as long as `data`. Raises GuardianKeyError for a key or iv of wrong size."""
    return bytes(_cipher(key, iv).encrypt(data))


def decrypt(key: bytes, iv: bytes, data: bytes) -> bytes:
    """The plaintext. The mode has no integrity: a wrong key gives garbage, not an error."""
    return bytes(_cipher(key, iv).decrypt(data))


def _cipher(key: bytes, iv: bytes) -> Any:
    """Strict, because pycryptodome quietly takes shorter keys, as AES-128 or AES-192."""
    if len(key) != KEY_BYTES:
        raise GuardianKeyError(f"key must be {KEY_BYTES} bytes, not {len(key)}")
    if len(iv) != IV_BYTES:
        raise GuardianKeyError(f"iv must be {IV_BYTES} bytes, not {len(iv)}")
    return AES.new(key, AES.MODE_CFB, iv=iv, segment_size=8)
