"""`thingwarden init`"""

import getpass
import sys
from pathlib import Path

from host_agent.cli.output import OutputError, UsageError, print_line, write_new
from host_agent.cli.templates import AGENT_TOML, systemd_unit


def init(*, dir: Path = Path()) -> None:  # noqa: A002 (the option's name)
    """Write a commented agent.toml, and a systemd unit to run the agent as a service.

    Both are new files; what is there already stays as it is.

    Parameters
    ----------
    dir
        Where to; the agent's store will be there too.
    """
    try:
        directory = dir.absolute()
    except FileNotFoundError as error:
        raise OutputError("the directory that you are in was deleted; go to another") from error
    if not str(directory).isprintable():
        raise UsageError(f"{directory} has characters that a systemd unit cannot name; use another")
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{directory} cannot be made: {error.strerror}") from error
    settings = directory / "agent.toml"
    unit = directory / "thingwarden.service"
    write_new(settings, AGENT_TOML)
    write_new(unit, systemd_unit(settings, sys.executable, getpass.getuser()), mode=0o644)
    print_line(f"wrote {settings}: put your SecuriThings credentials in it")
    print_line(f"wrote {unit}: its first lines tell how to install it")
