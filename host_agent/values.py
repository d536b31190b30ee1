"""Values as people type them: on a command line, in a form."""

import json
import math

Value = str | int | float | bool


def parse_value(text: str) -> Value:
    """A JSON string, finite number or boolean; anything else is taken as text."""
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(decoded, str | int) or (isinstance(decoded, float) and math.isfinite(decoded)):
        return decoded
    return text
