"""Text of others, fit to be shown."""


def printable(value: object) -> str:
    """Text for a terminal or a log: control characters, which a device could send, become escapes;
    None is nothing."""
    if value is None:
        return ""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in str(value)
    )
