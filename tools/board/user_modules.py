"""Modules of a board's owner: which files beside boards/NAME.toml its commands name."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tools.board.connection import Board
from tools.board.errors import BoardError

_LISTED = "help('modules')"
_END = "Plus any modules"
"""What follows the names."""


def sources(config: Mapping[str, Any], path: Path) -> dict[str, Path]:
    """Name -> file of every module that a command in `config` names; a board accepted it.

    `path` is the board's own file. Raises BoardError for a module that is not beside it.
    """
    found: dict[str, Path] = {}
    for command, entry in (config.get("commands") or {}).items():
        if "module" in entry:
            name = entry["module"]
            found[name] = path.parent / f"{name}.py"
            if not found[name].is_file():
                raise BoardError(
                    f"{path}: commands.{command}.module: there is no {found[name]}; write it, with"
                    " the function of that command (firmware/README.md tells how)"
                )
    return found


def refuse_taken(board: Board, names: Iterable[str]) -> None:
    """Raises BoardError if the board's MicroPython has a module of such a name: the firmware, which
    uses those, would get the owner's."""
    own = sorted(names)
    if not own:
        return
    listed = board.run(_LISTED).partition(_END)[0]
    built_in = {path.partition("/")[0] for path in listed.split()}
    for name in own:
        if name in built_in or name.removeprefix("u") in built_in:  # json is ujson, too
            raise BoardError(
                f"MicroPython on the board has a module {name} itself: give {name}.py another name,"
                " and so `module` in the board's file; nothing was changed"
            )
