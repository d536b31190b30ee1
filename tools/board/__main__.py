"""`python -m tools.board flash|install-micropython|logs|shell|doctor`: a real board on a cable."""

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from host_agent.config import ConfigError
from host_agent.errors import ThingWardenError
from host_agent.text import printable
from tools.board import doctor, flash, install, logs, ports, shell
from tools.board.lease import DEFAULT_CONFIG, borrowed

_WAIT_S = 90.0
_SHARED = "the agent, whose port it is, keeps away from it meanwhile: the board's events wait"


def _flash(options: argparse.Namespace) -> int:
    flash.flash(
        options.port,
        options.device,
        options.config,
        options.boards,
        wait_s=options.wait,
        replace=options.replace,
    )
    return 0


def _install(options: argparse.Namespace) -> int:
    image = install.read_image(options.image)
    port = ports.choose(options.port)
    with borrowed(options.config, port):
        install.install(image, port, erase=options.erase)
    return 0


def _logs(options: argparse.Namespace) -> int:
    port = ports.choose(options.port)
    with borrowed(options.config, port) as shared:
        print(f"-- {port}, Ctrl-C ends it", flush=True)
        if shared:
            print(f"-- {_SHARED}; with `logs` ended, its log shows these lines", flush=True)
        logs.follow(port, _show)
    return 0


def _shell(options: argparse.Namespace) -> int:
    port = ports.choose(options.port)
    with borrowed(options.config, port) as shared:
        if shared:
            print(_SHARED, flush=True)
        shell.shell(port)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    return 0 if doctor.examine(options.port, options.device, options.config, _say) else 1


def _say(text: str) -> None:
    print(printable(text))


def _show(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--port",
        help="like /dev/ttyUSB0, or socket://host:port of a serial server;"
        " needed where more than one board is on USB",
    )
    common.add_argument("--device", help="the device's name, as `thingwarden device add` has it")
    common.add_argument(
        "--config",
        type=Path,
        help="the agent's settings (./agent.toml)",
        default=Path(os.environ.get("THINGWARDEN_CONFIG") or DEFAULT_CONFIG),
    )
    common.add_argument(
        "--boards",
        type=Path,
        default=Path("boards"),
        help="where NAME.toml of each board is (./boards)",
    )
    parser = argparse.ArgumentParser(prog="python -m tools.board", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], about: str
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about, parents=[common])
        made.set_defaults(run=run)
        return made

    made = command("flash", _flash, "Put the firmware and its settings onto a board.")
    made.add_argument(
        "--wait",
        type=float,
        default=_WAIT_S,
        metavar="SECONDS",
        help="how long to wait for its first report (%(default)g)",
    )
    made.add_argument(
        "--replace",
        action="store_true",
        help="also a board that was another device; what that has not sent yet is removed",
    )
    made = command(
        "install-micropython",
        _install,
        "Write a MicroPython image, a local file, to a bare board. Nothing is downloaded:"
        f" images are at {install.SOURCE}",
    )
    made.add_argument("image", type=Path, help="the .bin file")
    made.add_argument(
        "--erase",
        action="store_true",
        help="erase all that is on the board first, unsent events included",
    )
    command("logs", _logs, "Show what a board says, live.")
    command("shell", _shell, "MicroPython's prompt on a board, by mpremote.")
    command("doctor", _doctor, "Check board, settings, wiring, Wi-Fi and the way to the agent.")
    return parser


def _end(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when done, 1 when it cannot be done, 2 when asked or configured wrongly, 70 for a mistake
    of ours, 130 after Ctrl-C."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "flash" and not options.device:
        parser.error("flash needs --device NAME")
    try:
        code: int = options.run(options)
        return code
    except ThingWardenError as error:
        sys.stderr.write(f"{printable(error)}\n")
        return 2 if isinstance(error, ConfigError) else 1
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped\n")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 (the last net; its text could quote a secret)
        if os.environ.get("THINGWARDEN_DEBUG") == "1":
            traceback.print_tb(error.__traceback__)
        sys.stderr.write(
            f"an unforeseen {type(error).__name__}; please report it, with what"
            " THINGWARDEN_DEBUG=1 in the environment shows\n"
        )
        return 70


if __name__ == "__main__":
    for ending in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(ending) == signal.SIG_DFL:
            signal.signal(ending, _end)  # a terminal that is closed leaves no board at its prompt
    sys.exit(main())
