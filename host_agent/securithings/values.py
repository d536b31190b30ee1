"""How texts and parameter values are written on the wire (WIRE.md A2)."""

import ctypes
import math

from host_agent.securithings.errors import SecuriThingsError


def checked_text(value: object, message: str) -> str:
    """`value` if it is a text that can be sent; raises SecuriThingsError(message) if no string."""
    if not isinstance(value, str):
        raise SecuriThingsError(message)
    return encodable(value)


def encodable(text: str) -> str:
    """`text` itself; raises SecuriThingsError if UTF-8 cannot carry it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise SecuriThingsError(
            "text holds a lone surrogate, which UTF-8 cannot carry: decode it properly first"
        ) from None
    return text


def value_text(value: object) -> str:
    """The VALUE text of a parameter.

    Strings stay as they are; booleans become `true` and `false`; integers are decimal, also beyond
    the 32 bits at which the reference wraps; floats are C's `%g` of the nearest single-precision
    float, infinities included. Raises SecuriThingsError for NaN and for every other type.
    """
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _integer_text(value)
    if isinstance(value, float):
        if math.isnan(value):
            raise SecuriThingsError("parameter value is NaN: send a number or leave it out")
        return f"{ctypes.c_float(value).value:g}"
    raise SecuriThingsError(
        f"parameter value must be a string, integer, float or boolean, not {type(value).__name__}"
    )


def _integer_text(value: int) -> str:
    try:
        return str(int(value))
    except ValueError:
        raise SecuriThingsError("parameter value is an integer of too many digits") from None
