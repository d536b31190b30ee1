"""The command line: `thingwarden`, same as `python -m host_agent`."""

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from cyclopts import App, CycloptsError

from host_agent import __doc__ as about
from host_agent.cli import (
    access,
    commands,
    devices,
    events,
    guardiankey,
    notifications,
    rescue,
    run,
    send,
    serial,
    setup,
    tokens,
    users,
)
from host_agent.cli.output import UsageError
from host_agent.config import ConfigError
from host_agent.errors import ThingWardenError
from host_agent.text import printable

app = App(
    name="thingwarden",
    help=f"""{about}

First steps, in a directory of its own:

    thingwarden init            (then put your credentials in agent.toml)
    thingwarden device add front-door --type Lock
    thingwarden device config front-door --agent http://192.168.1.10:8710 \\
        --out config.json       (for the board)
    thingwarden run             (Ctrl-C stops it)
    thingwarden access add front-door anna --generate
                                (if the board has a keypad)
    thingwarden user add ann    (who may log in at http://127.0.0.1:8711)

Every command reads ./agent.toml unless --config or THINGWARDEN_CONFIG names another file.
""",
    help_format="plaintext",
    version_flags=[],
)
app.command(setup.init)
app.command(run.run)
app.command(devices.app)
app.command(events.app)
app.command(access.app)
app.command(commands.app)
app.command(users.app)
app.command(tokens.app)
app.command(notifications.attempts)
app.command(notifications.notifications)
app.command(guardiankey.app)
app.command(serial.app)
app.command(send.send)
app.command(rescue.backup)
app.command(rescue.restore)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command. Exit code 0, 1 when it cannot be done, 2 when asked or configured wrongly,
    70 (EX_SOFTWARE of sysexits.h) for a mistake in ThingWarden itself.
    """
    try:
        app(sys.argv[1:] if arguments is None else arguments, exit_on_error=False)
    except CycloptsError:
        sys.exit(2)
    except ThingWardenError as error:
        sys.stderr.write(f"thingwarden: {printable(error)}\n")
        sys.exit(2 if isinstance(error, ConfigError | UsageError) else 1)
    except BrokenPipeError:
        _let_go_of_stdout()
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 (the last net)
        _tell_unforeseen(error)
        sys.exit(70)


def _let_go_of_stdout() -> None:
    """Nobody reads it any more: what is still to be flushed at exit must not fail again."""
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _tell_unforeseen(error: Exception) -> None:
    """Without its text, which could quote a secret."""
    if os.environ.get("THINGWARDEN_DEBUG") == "1":
        traceback.print_tb(error.__traceback__)
    sys.stderr.write(
        f"thingwarden: an unforeseen {type(error).__name__}; please report it, with what"
        " THINGWARDEN_DEBUG=1 in the environment shows\n"
    )
