"""Modules of a board's owner: which files beside boards/NAME.toml its commands name, and whether
the board can use them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tools.board.connection import Board, place_of
from tools.board.errors import BoardError, BoardRefused
from tools.board.examination import Finding, last_of

_LISTED = "help('modules')"
_END = "Plus any modules"
"""What follows the names."""
START_S = 8.0
"""For a module to begin: longer than any that does not block takes."""
_START = """
import json
from warden.user_modules import UserModules
wrong = UserModules({wanted!r}, None, None).start()
print()
print(json.dumps(wrong))
"""


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


def examine(board: Board, module: str, functions: Mapping[str, str]) -> Finding:
    """Whether a module begins on the board and has what its commands call, by the board's own code;
    `functions` is commands' names to modules'."""
    wanted = {command: name for command, name in functions.items() if name == module}
    mend = f"mend boards/{module}.py, then flash"
    try:
        output = board.run(_START.format(wanted=wanted), START_S)
    except BoardRefused:
        raise
    except BoardError:
        board.resync()  # which fails if it is the cable
        text = "its import or `start` does not come to an end, or disturbs the prompt"
        return Finding("bad", "module", f"{module}: {text}; {mend}")
    wrong: dict[str, str] = last_of(board, output)
    if wrong:
        texts = "; ".join(dict.fromkeys(wrong.values()))
        told = f"{', '.join(sorted(wrong))}: {texts}{place_of(output)}"
        return Finding("bad", "module", f"{told}; {mend}")
    return Finding("ok", "module", f"{module}: has what is called by {', '.join(sorted(wanted))}")
