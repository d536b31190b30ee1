"""AES-256 in CFB mode with 8-bit segments (NIST SP 800-38A 6.3), GuardianKey's cipher (WIRE.md B2).

`cryptolib` has ECB only, and CFB8 needs nothing else: one block is *encrypted* per byte, in both
directions, over the last 16 bytes of ciphertext.
"""

from cryptolib import aes

_ECB = 1
_BLOCK = 16


def encrypt(key, iv, data):
    """The ciphertext of `data`, as long as it. ValueError unless key has 32 and iv 16 bytes."""
    return _apply(key, iv, data, True)


def decrypt(key, iv, data):
    """The plaintext of `data`; a wrong key or iv gives other bytes, never an error (WIRE.md B2)."""
    return _apply(key, iv, data, False)


def plain_register(iv):
    """The shift register of `plain_run`: the last 16 bytes of ciphertext, each of them twice, and
    16 windows of which each shows them in order when its turn comes. So nothing is shifted."""
    twice = bytearray(iv) + iv
    view = memoryview(twice)
    return twice, [view[start : start + _BLOCK] for start in range(_BLOCK)]


def plain_run(encrypt_block, register, pad, data, result, cipher):
    """Turn `data` into `result`; `cipher` is the one of the two that is ciphertext.

    Allocates nothing.
    """
    twice, windows = register
    at = 0
    length = len(data)
    while at < length:
        for window in windows:
            if at == length:
                break
            encrypt_block(window, pad)
            result[at] = data[at] ^ pad[0]
            twice[at & 15] = twice[16 + (at & 15)] = cipher[at]
            at += 1


try:
    from warden.cfb8_viper import register, run
except (SyntaxError, ImportError, ValueError):  # no native code here, or made for another machine
    register, run = plain_register, plain_run


def _apply(key, iv, data, encrypting):
    _check("key", key, 32)
    _check("iv", iv, _BLOCK)
    _check("data", data)
    data = bytes(data)
    result = bytearray(len(data))
    cipher = result if encrypting else data
    run(aes(key, _ECB).encrypt, register(iv), bytearray(_BLOCK), data, result, cipher)
    return bytes(result)


def _check(name, value, length=None):
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise ValueError("%s must be bytes" % name)
    if length is not None and len(value) != length:
        raise ValueError("%s must have %d bytes" % (name, length))
