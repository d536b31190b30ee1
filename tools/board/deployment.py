"""From a board at its prompt to one that runs this firmware with these settings."""

from dataclasses import dataclass
from pathlib import Path

from tools.board.build import MAIN, compiled, main_program, own_modules
from tools.board.connection import Board
from tools.board.errors import BoardError
from tools.board.facts import Facts, check
from tools.board.provision import BoardFiles
from tools.board.slot_writer import Progress, SlotWriter
from tools.board.slots import CONFIG, device_of, digest, encoded, is_still_good
from tools.board.user_modules import refuse_taken


@dataclass(frozen=True)
class Written:
    """What was done. `before` is the slot that ran until then, "" for none; `removed` are whole
    paths, the others those in the slot, but for main.py."""

    facts: Facts
    slot: str
    before: str
    uploaded: tuple[str, ...]
    uploaded_bytes: int
    copied: tuple[str, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]


def deploy(
    board: Board,
    files: BoardFiles,
    firmware: Path,
    progress: Progress,
    *,
    replace: bool = False,
) -> Written:
    """Write the firmware in that directory and these settings; they run from the next start on.

    A board that was another device loses what is of that with `replace`, else it is refused. Raises
    BoardError; the board then starts the old or the new.
    """
    check(board.facts)
    refuse_taken(board, files.modules)
    modules = compiled(board.facts.march, firmware)
    own = own_modules(files.modules, board.facts.march)
    main = main_program(firmware)
    writer = SlotWriter(board)
    before = writer.held
    running = writer.running_config()
    is_another = device_of(running) not in ("", files.config["device"])
    if is_another and not replace:
        raise BoardError(_another(board.port, device_of(running), files.config["device"]))
    config = running if is_still_good(running, files.config) else encoded(files.config)
    wanted = {**modules, **own, **files.extra, CONFIG: config}
    done = writer.write(wanted, progress)
    if is_another:
        writer.forget_device()
    writer.switch(wanted, main)
    travelled = {path: len(wanted[path]) for path in done.upload}
    if before.files.get(MAIN) != digest(main):
        travelled[MAIN] = len(main)
    return Written(
        facts=board.facts,
        slot=done.target,
        before=before.pointer,
        uploaded=tuple(travelled),
        uploaded_bytes=sum(travelled.values()),
        copied=done.copy,
        kept=done.keep,
        removed=tuple(sorted(before.files.keys() - writer.held.files.keys())),
    )


def _another(port: str, old: str, new: str) -> str:
    return (
        f"this board is {old}: plug in that of {new}, or name its port. If it shall be {new} from"
        f" now on, `python -m tools.board flash --port {port} --device {new} --replace` makes it"
        f" so, and removes what {old} has not sent yet; nothing was changed"
    )
