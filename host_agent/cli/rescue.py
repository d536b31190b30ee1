"""`thingwarden backup` and `thingwarden restore`"""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from host_agent.cli.output import DEFAULT_CONFIG, ConfigPath, UsageError, print_line, write_new
from host_agent.cli.store import open_store

File = Annotated[Path, Parameter(help="Holds the keys of all devices: keep it safe.")]


def backup(file: File, /, *, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Write the devices, their keys and counters to a new file; works while the agent runs.

    Example: thingwarden backup devices.json
    """
    with open_store(config) as store:
        content = store.backup()
        count = len(store.devices())
    write_new(file, content.decode())
    print_line(f"wrote {count} devices to {file}")


def restore(file: File, /, *, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Take devices back from a backup, onto a new machine for instance.

    Boards go on with the keys they have, from their next boot number on; events are not part of a
    backup. Devices that are here already stay as they are.

    Example: thingwarden restore devices.json
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    with open_store(config) as store:
        count = store.restore(content)
    print_line(f"{count} devices are back")
