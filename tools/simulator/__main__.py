"""`python -m tools.simulator DIRECTORY`: one board in the terminal, its buttons on the keys 1-9,
or, if it has a keypad, the keypad on the digits, * and #."""

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
from tools.simulator import SimulatedBoard

_HELP = "keys: %s, + and - turn the first analog input, w Wi-Fi on/off, q quit"
_BUTTONS = "1-9 press a button"
_KEYPAD = "0-9 * # are the keypad"
_READER = _BUTTONS + ", b shows the badge 12:34567"


@contextlib.contextmanager
def _single_keys() -> Iterator[None]:
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _obey(board: SimulatedBoard, inputs: list[dict[str, Any]], access: dict[str, Any]) -> None:
    """Turn keys into pins until `q` or the end of the input."""
    keypad, reader = access.get("keypad"), access.get("wiegand")
    buttons = [int(i["pin"]) for i in inputs if i["kind"] != "analog"]
    analog = [int(i["pin"]) for i in inputs if i["kind"] == "analog"]
    millivolts, wifi = 700, True
    while (key := sys.stdin.read(1)) not in ("", "q"):
        if keypad and key in "0123456789*#":
            board.type_keys(key, keypad)
        elif reader and key == "b":
            board.badge(reader["d0"], reader["d1"], 12, 34567)
        elif key in "123456789" and int(key) <= len(buttons):
            board.press(buttons[int(key) - 1])
        elif key in "+-" and analog:
            millivolts = max(0, millivolts + (10 if key == "+" else -10))
            board.millivolts(analog[0], millivolts)
        elif key == "w":
            wifi = not wifi
            board.wifi(wifi)


def main() -> int:
    """Run the board whose flash is a directory with a config.json; 0 when the person quits."""
    parser = argparse.ArgumentParser(prog="python -m tools.simulator", description=__doc__)
    parser.add_argument("directory", type=Path, help="holds config.json, NVS and spool")
    directory = parser.parse_args().directory
    config = directory / "config.json"
    try:
        settings = json.loads(config.read_text())
        inputs, access = settings.get("inputs", []), settings.get("access") or {}
        does = _KEYPAD if access.get("keypad") else _READER if access.get("wiegand") else _BUTTONS
    except (OSError, ValueError, AttributeError) as error:
        print(f"{config}: {error}; `thingwarden device config` writes one", file=sys.stderr)
        return 2
    print(_HELP % does)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        keys = _single_keys() if sys.stdin.isatty() else contextlib.nullcontext()
        with SimulatedBoard(directory, on_line=lambda line, _: print(line)) as board, keys:
            _obey(board, inputs, access)
    except ThingWardenError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
