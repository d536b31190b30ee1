"""`python -m tools.simulator DIRECTORY`: one board in the terminal, its buttons on the keys 1-9,
or, if it has a keypad, the keypad on the digits, * and #. With --usb it is a board on a cable,
with or without firmware: `make flash` and `mpremote` take its port as any other."""

import argparse
import contextlib
import json
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from host_agent.errors import ThingWardenError
from tools.simulator import SimulatedBoard, SimulatorError, UsbBoard

_HELP = "keys: %s, + and - turn the first analog input, w Wi-Fi on/off, q quit"
_BUTTONS = "1-9 press a button"
_KEYPAD = "0-9 * # are the keypad"
_READER = _BUTTONS + ", b shows the badge 12:34567"
_CABLE = "the board's port is %s; u pulls its cable and puts it back, q quits"


@contextlib.contextmanager
def _single_keys() -> Iterator[None]:
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


class _Keys:
    """What the keys of a person do to a board."""

    def __init__(self, board: SimulatedBoard | UsbBoard) -> None:
        self._board = board
        self._millivolts = 700
        self._wifi = True

    def press(self, key: str, settings: dict[str, Any]) -> None:
        """One key, on a board with the config.json `settings`."""
        inputs, access = settings.get("inputs", []), settings.get("access") or {}
        keypad, reader = access.get("keypad"), access.get("wiegand")
        buttons = [int(i["pin"]) for i in inputs if i["kind"] in ("button", "digital")]
        analog = [int(i["pin"]) for i in inputs if i["kind"] == "analog"]
        if keypad and key in "0123456789*#":
            self._board.type_keys(key, keypad)
        elif reader and key == "b":
            self._board.badge(reader["d0"], reader["d1"], 12, 34567)
        elif key in "123456789" and int(key) <= len(buttons):
            self._board.press(buttons[int(key) - 1])
        elif key in "+-" and analog:
            self._millivolts = max(0, self._millivolts + (10 if key == "+" else -10))
            self._board.millivolts(analog[0], self._millivolts)
        elif key == "w":
            self._wifi = not self._wifi
            self._board.wifi(self._wifi)


def _run(directory: Path) -> None:
    """The repository's firmware, until the person quits."""
    settings = _settings(directory)
    access = settings.get("access") or {}
    does = _KEYPAD if access.get("keypad") else _READER if access.get("wiegand") else _BUTTONS
    print(_HELP % does)
    with SimulatedBoard(directory, on_line=_show) as board:
        keys = _Keys(board)
        for key in _typed():
            keys.press(key, settings)


def _run_usb(directory: Path) -> None:
    """What is flashed, until the person quits; the keys do what its config.json says by then."""
    with UsbBoard(directory, on_line=_show) as board:
        print(_CABLE % board.port)
        keys, plugged = _Keys(board), True
        for key in _typed():
            if key == "u":
                plugged = not plugged
                (board.plug if plugged else board.unplug)()
                continue
            try:
                keys.press(key, _settings(directory))
            except ThingWardenError as error:
                print(error)  # nothing to press yet


def _settings(directory: Path) -> dict[str, Any]:
    """The config.json that the board uses, in its slot if it is flashed."""
    pointer = directory / "slot"
    slot = pointer.read_text().strip() if pointer.exists() else ""
    config = directory / (slot if slot in ("a", "b") else "") / "config.json"
    try:
        settings = json.loads(config.read_text())
    except (OSError, ValueError) as error:
        raise SimulatorError(f"{config}: {error}; `thingwarden device config` writes one") from None
    if not isinstance(settings, dict):
        raise SimulatorError(f"{config} holds no object; `thingwarden device config` writes one")
    return settings


def _typed() -> Iterator[str]:
    """Keys until `q` or the end of the input."""
    with _single_keys() if sys.stdin.isatty() else contextlib.nullcontext():
        while (key := sys.stdin.read(1)) not in ("", "q"):
            yield key


def _show(line: str, _: float) -> None:
    if line.startswith("~"):
        return  # frames of the serial link are not for a person
    print("".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line))


def main() -> int:
    """Run the board whose flash is a directory; 0 when the person quits."""
    parser = argparse.ArgumentParser(prog="python -m tools.simulator", description=__doc__)
    parser.add_argument("--usb", action="store_true", help="on a USB cable, running what it holds")
    parser.add_argument("directory", type=Path, help="the flash: config.json, NVS and spool")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        (_run_usb if arguments.usb else _run)(arguments.directory)
    except ThingWardenError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
