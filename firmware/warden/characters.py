"""Texts from JSON: MicroPython leaves an escaped character above U+FFFF as two surrogates."""


def whole(text):
    """The text with every such pair as its one character; half a pair becomes U+FFFD. Surrogates
    would be no UTF-8, and whoever reads it refuses the whole message."""
    if not any(0xD800 <= ord(c) < 0xE000 for c in text):
        return text
    characters = []
    high = None
    for code in [ord(c) for c in text] + [0]:
        if high is not None:
            paired = 0xDC00 <= code < 0xE000
            characters.append(0x10000 + (high - 0xD800 << 10) + code - 0xDC00 if paired else 0xFFFD)
            high = None
            if paired:
                continue
        if 0xD800 <= code < 0xDC00:
            high = code
        else:
            characters.append(0xFFFD if 0xDC00 <= code < 0xE000 else code)
    return "".join([chr(code) for code in characters[:-1]])
