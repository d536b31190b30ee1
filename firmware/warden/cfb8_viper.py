"""`cfb8.plain_run` as native code. It may fail to load; `plain_run` then does the work."""

# ruff: noqa: F821 - ptr8 and ptr32 are types of viper

import micropython


def register(iv):
    """The shift register of `run`: the last 16 bytes of ciphertext."""
    return bytearray(iv)


@micropython.viper
def run(encrypt_block, register, pad, data, result, cipher):
    # The register as four words, the first byte lowest: true of ESP32 and of PCs.
    words = ptr32(register)
    pads = ptr8(pad)
    sources = ptr8(data)
    results = ptr8(result)
    ciphers = ptr8(cipher)
    length = int(len(data))  # noqa: RUF046 - an object otherwise
    at = 0
    while at < length:
        encrypt_block(register, pad)
        results[at] = sources[at] ^ pads[0]
        second = words[1]
        third = words[2]
        fourth = words[3]
        words[0] = ((words[0] >> 8) & 0xFFFFFF) | (second << 24)
        words[1] = ((second >> 8) & 0xFFFFFF) | (third << 24)
        words[2] = ((third >> 8) & 0xFFFFFF) | (fourth << 24)
        words[3] = ((fourth >> 8) & 0xFFFFFF) | (ciphers[at] << 24)
        at += 1
