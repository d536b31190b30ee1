"""The pins of a board in our hands: lines to its `machine` module, which lists them."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from tools.simulator.console import Console
from tools.simulator.unix_port import SimulatorError

KEYS = {3: "123456789*0#", 4: "123A456B789C*0#D"}
"""The keys of a keypad with so many columns, row by row, unless config.json names others."""

_FACILITY_BITS = {26: 8, 34: 16}
_HELD_S = 0.06  # a finger on a key


class Pins(Console):
    """A board's console and pins; `outputs` holds the level of every output that it has set."""

    def __init__(self, on_line: Callable[[str, float], None] | None = None) -> None:
        super().__init__(on_line)
        self.outputs: dict[int, int] = {}
        self._done = 0

    def pin(self, number: int, level: int) -> None:
        """Drive an input; returns when the pin has the level."""
        self._command(f"pin {number} {level}")

    def press(self, number: int, held_s: float = _HELD_S) -> None:
        """Press and release a button that is active low."""
        self.pin(number, 0)
        time.sleep(held_s)
        self.pin(number, 1)
        time.sleep(held_s)

    def millivolts(self, number: int, value: float) -> None:
        """Put a voltage on an analog input."""
        self._command(f"adc {number} {round(value * 1000)}")

    def sensor(self, pin: int, what: str, value: float, *, number: int = 0) -> None:
        """What a sensor has around it: `temperature`, `humidity`, `pressure`, or `plugged` 0."""
        self._command(f"sensor {pin} {number} {what} {round(value * 1000)}")

    def wifi(self, up: bool) -> None:
        """Switch the access point on or off."""
        self._command(f"wifi {int(up)}")

    def type_keys(self, text: str, keypad: Mapping[str, Any]) -> None:
        """Press keys one after another on the matrix that `access.keypad` of config.json describes.

        Returns when the last is released and the board has scanned that.
        """
        rows, columns = keypad["rows"], keypad["columns"]
        keys = keypad.get("keys") or KEYS[len(columns)]
        for number, key in enumerate(text):
            if key not in keys:
                raise SimulatorError(f"the keypad has no such key; it has {keys}")
            row, column = divmod(keys.index(key), len(columns))
            where = f"key {rows[row]} {columns[column]}"
            if number == 0:
                self._command(f"{where} 0")  # a board that just started has scanned it once by then
            self._command(f"{where} 1", held_s=_HELD_S)
            self._command(f"{where} 0", held_s=_HELD_S)

    def badge(self, d0: int, d1: int, facility: int, card: int, bits: int = 26) -> None:
        """Hold a badge to a Wiegand reader of 26 or 34 bits; returns after its last pulse."""
        self._command(f"wiegand {d0} {d1} {wiegand_frame(facility, card, bits)}")

    def wait_for_output(self, number: int, level: int, timeout_s: float = 60) -> None:
        """Until an output pin has the level."""
        self._wait(lambda: self.outputs.get(number) == level or None, f"pin {number}", timeout_s)

    def _command(self, line: str, held_s: float = 0) -> None:
        """Returns when the board has obeyed, after `held_s` at the earliest."""
        until = time.monotonic() + held_s
        with self._news:
            done = self._done
        self._send(line.encode() + b"\n")
        self._wait(lambda: self._done > done or None, f"no answer to {line!r}", 60)
        time.sleep(max(0, until - time.monotonic()))

    def _send(self, line: bytes) -> None:
        """Give a line to the board's `machine`, else SimulatorError."""
        raise NotImplementedError

    def heard(self, words: list[str]) -> None:
        """The board's `machine` has sent a line."""
        with self._news:
            if words[0] == "done":
                self._done += 1
            elif words[0] == "pin":
                self.outputs[int(words[1])] = int(words[2])
            self._news.notify_all()


def wiegand_frame(facility: int, card: int, bits: int = 26) -> str:
    """What a reader sends for a badge, as "0" and "1": parity, facility, card, parity."""
    if bits not in _FACILITY_BITS:
        raise SimulatorError("a reader sends 26 or 34 bits")
    wide = _FACILITY_BITS[bits]
    if not (0 <= facility < 1 << wide and 0 <= card <= 0xFFFF):
        raise SimulatorError(f"{bits} bits hold facilities below {1 << wide} and cards below 65536")
    data = f"{facility:0{wide}b}{card:016b}"
    half = len(data) // 2
    even, odd = data[:half].count("1") % 2, 1 - data[half:].count("1") % 2
    return f"{even}{data}{odd}"
