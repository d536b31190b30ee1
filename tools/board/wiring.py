"""What is wired to a board's inputs, as far as the board can tell while nobody touches them."""

from collections.abc import Callable, Mapping
from typing import Any

from tools.board.connection import Board
from tools.board.errors import BoardRefused
from tools.board.examination import Finding, told

_LEVELS = """
import json, time
from machine import Pin
pin = Pin({pin}, Pin.IN, {pull})
levels = []
for _ in range(20):
    levels.append(pin.value())
    time.sleep_ms(2)
print(json.dumps([sum(levels), len(levels)]))
"""
_VOLTAGE = """
import json
from machine import ADC, Pin
print(json.dumps(ADC(Pin({pin}), atten=ADC.ATTN_11DB).read_uv() // 1000))
"""
_BUS = """
import json
from binascii import hexlify
from machine import Pin
from ds18x20 import DS18X20
from onewire import OneWire
print(json.dumps([hexlify(rom).decode() for rom in DS18X20(OneWire(Pin({pin}))).scan()]))
"""
_DHT = """
import json, time
from dht import DHT22
from machine import Pin
time.sleep_ms(2000)
sensor = DHT22(Pin({pin}))
sensor.measure()
print(json.dumps([sensor.temperature(), sensor.humidity()]))
"""
_I2C = """
import json
from machine import Pin, SoftI2C
print(json.dumps(SoftI2C(scl=Pin({scl}), sda=Pin({sda})).scan()))
"""
_PULLS = {"up": "Pin.PULL_UP", "down": "Pin.PULL_DOWN"}
_LOW_MV, _HIGH_MV = 20, 3100


def examine(board: Board, entry: Mapping[str, Any]) -> Finding:
    """One entry of `inputs`, as the board's config check returned it."""
    look = _LOOKS.get(entry["kind"])
    if look is None:
        return _finding("ok", entry, f"a {entry['kind']}, which only the app can read")
    try:
        return look(board, entry)
    except BoardRefused as error:
        return _finding("bad", entry, str(error))


def _switch(board: Board, entry: Mapping[str, Any]) -> Finding:
    pull = _PULLS.get(entry.get("pull") or "", "None")
    high, count = told(board, _LEVELS.format(pin=entry["pin"], pull=pull))
    pin, other_end = entry["pin"], "GND" if entry["active"] == "low" else "3V3"
    wire = f"wire it between pin {pin} and {other_end}"
    if 0 < high < count:
        return _finding(
            "warn",
            entry,
            f"changes by itself: {wire}, and give it a pull (pull in boards/NAME.toml, or a"
            " resistor on pins 34 to 39)",
        )
    is_active = (high == 0) == (entry["active"] == "low")
    if entry["kind"] == "digital":
        return _finding("ok", entry, f"reads {'active' if is_active else 'not active'}")
    if is_active:
        return _finding("warn", entry, f"reads pressed: if nobody presses it, {wire}")
    return _finding("ok", entry, "reads not pressed")


def _analog(board: Board, entry: Mapping[str, Any]) -> Finding:
    millivolts = told(board, _VOLTAGE.format(pin=entry["pin"]))
    if _LOW_MV <= millivolts <= _HIGH_MV:
        return _finding("ok", entry, f"reads {millivolts} mV")
    end = "lower" if millivolts < _LOW_MV else "upper"
    text = f"reads {millivolts} mV, the {end} end: is the sensor connected and has it power?"
    return _finding("warn", entry, text)


def _ds18x20(board: Board, entry: Mapping[str, Any]) -> Finding:
    found = told(board, _BUS.format(pin=entry["pin"]))
    rom = entry.get("rom")
    if not found:
        text = f"no DS18x20 answers: data to pin {entry['pin']} with 4.7 kOhm to 3V3, VDD to 3V3"
        return _finding("bad", entry, f"{text}, GND to GND")
    if rom and rom not in found:
        return _finding("bad", entry, f"{rom} does not answer, these do: {', '.join(found)}")
    return _finding("ok", entry, f"DS18x20 on the bus: {', '.join(found)}")


def _dht22(board: Board, entry: Mapping[str, Any]) -> Finding:
    try:
        celsius, percent = told(board, _DHT.format(pin=entry["pin"]))
    except BoardRefused:
        text = f"no DHT22 answers: data to pin {entry['pin']} with 10 kOhm to 3V3, VDD to 3V3"
        return _finding("bad", entry, f"{text}, GND to GND")
    return _finding("ok", entry, f"{celsius:.1f} degrees Celsius, {percent:.1f} % humidity")


def _bme280(board: Board, entry: Mapping[str, Any]) -> Finding:
    found = told(board, _I2C.format(scl=entry["scl"], sda=entry["sda"]))
    shown = ", ".join(hex(address) for address in found) or "none"
    if entry["address"] in found:
        return _finding("ok", entry, f"answers at {entry['address']:#x}")
    text = f"none answers at {entry['address']:#x}, but {shown}: SCL to pin {entry['scl']}, SDA to"
    return _finding("bad", entry, f"{text} pin {entry['sda']}, VIN to 3V3, GND to GND")


def _finding(level: Any, entry: Mapping[str, Any], text: str) -> Finding:
    pin = entry["scl"] if "scl" in entry else entry["pin"]
    return Finding(level, f"pin {pin}", f"{entry['name']}: {text}")


_LOOKS: dict[str, Callable[[Board, Mapping[str, Any]], Finding]] = {
    "button": _switch,
    "digital": _switch,
    "analog": _analog,
    "ds18x20": _ds18x20,
    "dht22": _dht22,
    "bme280": _bme280,
}
