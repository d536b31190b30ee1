"""`python -m tools.simulator DIRECTORY`: one board in the terminal, its buttons on the keys 1-9."""

import argparse
import contextlib
import json
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from pathlib import Path

from host_agent.errors import ThingWardenError
from tools.simulator import SimulatedBoard

_HELP = "keys: 1-9 press a button, + and - turn the first analog input, w Wi-Fi on/off, q quit"


@contextlib.contextmanager
def _single_keys() -> Iterator[None]:
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _obey(board: SimulatedBoard, inputs: list[dict[str, object]]) -> None:
    """Turn keys into pins until `q` or the end of the input."""
    buttons = [int(str(i["pin"])) for i in inputs if i["kind"] != "analog"]
    analog = [int(str(i["pin"])) for i in inputs if i["kind"] == "analog"]
    millivolts, wifi = 700, True
    while (key := sys.stdin.read(1)) not in ("", "q"):
        if key in "123456789" and int(key) <= len(buttons):
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
        inputs = json.loads(config.read_text()).get("inputs", [])
    except (OSError, ValueError, AttributeError) as error:
        print(f"{config}: {error}; `thingwarden device config` writes one", file=sys.stderr)
        return 2
    print(_HELP)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        keys = _single_keys() if sys.stdin.isatty() else contextlib.nullcontext()
        with SimulatedBoard(directory, on_line=lambda line, _: print(line)) as board, keys:
            _obey(board, inputs)
    except ThingWardenError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
