"""What a parameter's value looks like on the wire (WIRE.md A2)."""

import ctypes
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.securithings import Event, SecuriThingsError


def sent(value):
    event = Event("DEVICE", "reading")
    event.add_param("value", value)
    (param,) = event.body("attic", "HVAC", "0000")["PARAMS"]
    return param["VALUE"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", ""),
        ("true", "true"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-17, "-17"),
        (1 << 40, "1099511627776"),
        (1.0, "1"),
        (-0.0, "-0"),
        (21.5, "21.5"),
        (1e10, "1e+10"),
        (1e-05, "1e-05"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
    ],
)
def test_text_of_a_value(value, text):
    assert sent(value) == text


def test_a_float_is_rounded_to_single_precision_first():
    assert sent(99999.95) == "100000"


def test_a_float_beyond_single_precision_is_infinite():
    assert sent(1e300) == "inf"


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_floats_are_what_c_prints(value):
    printf = ctypes.CDLL(None).snprintf
    text = ctypes.create_string_buffer(64)
    printf(text, ctypes.c_size_t(64), b"%g", ctypes.c_double(value))
    assert sent(value) == text.value.decode()


@given(st.floats(allow_nan=False, min_value=-1e38, max_value=1e38))
def test_double_and_its_nearest_single_look_the_same(value):
    (single,) = struct.unpack("f", struct.pack("f", value))
    assert sent(value) == sent(single)


@pytest.mark.parametrize(
    "value",
    [{"a": 1}, [1, 2], (1,), b"bytes", object(), 1j, float("nan"), "\ud800", 10**5000],
    ids=lambda value: type(value).__name__,
)
def test_other_values_are_refused_and_leave_the_event_as_it_was(value):
    event = Event("DEVICE", "reading")
    with pytest.raises(SecuriThingsError):
        event.add_param("value", value)
    assert "PARAMS" not in event.body("attic", "HVAC", "0000")


@pytest.mark.parametrize(("name", "value"), [(None, 1), (7, 1), ("n", None), (None, {})])
def test_a_parameter_without_name_or_value_is_ignored(name, value):
    event = Event("DEVICE", "reading")
    event.add_param(name, value)
    assert "PARAMS" not in event.body("attic", "HVAC", "0000")
