"""A board's own code says what is wrong with a config.json, before it is on the board."""

from typing import Any

import pytest

from tools.board.check import ConfigRefused, check

GOOD: dict[str, Any] = {
    "device": "front-door",
    "key": "A" * 43 + "=",
    "agent": "http://192.168.1.10:8710",
    "wifi": {"ssid": "Käfer ☂", "password": "hunter-2-hunter"},
    "inputs": [{"kind": "button", "name": "bell", "pin": 14, "pull": "up"}],
}


def test_a_right_one_passes() -> None:
    check(GOOD)
    check(GOOD | {"agent": "serial"})


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"poll_s": 0}, "poll_s: a whole number from 1 to 3600"),
        ({"agent": "192.168.1.10"}, "agent: an address like http://192.168.1.10:8710"),
        ({"wifi": {"ssid": "", "password": "hunter-2-hunter"}}, "wifi.ssid: "),
        ({"inputs": [{"kind": "button", "name": "bell", "pin": 6}]}, "pins 6 to 11"),
        ({"pol_s": 5}, "unknown field pol_s; known are device, key"),
        ({"inputs": [{"kind": "analog", "name": "t", "pin": 34, "scale": float("nan")}]}, "nan"),
        ({"agent": "http://" + "x" * 9000}, "a board takes 8192"),
        ({"poll_s": object()}, "dates and times"),
    ],
    ids=["number", "agent", "ssid", "pin", "unknown", "nan", "long", "date"],
)
def test_a_wrong_one_is_told_by_its_field(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigRefused) as caught:
        check(GOOD | wrong)
    assert told in str(caught.value)
    assert "hunter" not in str(caught.value) and "AAAA" not in str(caught.value)


def test_a_wrong_key_is_not_quoted() -> None:
    with pytest.raises(ConfigRefused, match="key: 32 bytes in base64") as caught:
        check(GOOD | {"key": "secret-but-short"})
    assert "secret-but-short" not in str(caught.value)
