"""Brings a board's flash to what it must hold, so that it boots the old or the new, never a mix.

Everything is written into the slot that does not run and verified there by digest; renaming the
pointer makes it run; what the old one left goes last.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tools.board.build import MAIN
from tools.board.connection import Board
from tools.board.errors import BoardError, BoardFull, BoardLost
from tools.board.slots import (
    CONFIG,
    LOOKED_AT,
    OF_DEVICE,
    POINTER,
    SLOTS,
    Held,
    Plan,
    check_space,
    digest,
    plan,
)

_TRIES = 3
_HELPERS = Path(__file__).with_name("on_board.py")
_LOOK = f"""
blocks()
try:
    with open({POINTER!r}, "rb") as file:
        print((file.read(8),))
except OSError:
    print((b"",))
for path in {LOOKED_AT!r}:
    show(path)
"""

Progress = Callable[[int, int], None]
"""Hears how many bytes have travelled, and of how many; fewer than before if some must again."""


class SlotWriter:
    """Writes one board that waits at its prompt; `held` is what lies on it now.

    Every method raises BoardError; the board then boots what it did before or, once the pointer is
    renamed, the new.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        try:
            self._begin()
        except (BoardLost, BoardFull):
            raise
        except BoardError:
            self._begin_again()

    def running_config(self) -> bytes:
        """config.json of the application that runs, b"" if there is none that reads."""
        path = f"{self.held.pointer}/{CONFIG}".removeprefix("/")
        known = self.held.files.get(path)
        if not known:
            return b""
        found = b""

        def read() -> None:
            nonlocal found
            found = self._board.read_file(path)

        self._until(lambda: digest(found) == known, read)
        return found

    def forget_device(self) -> None:
        """Remove what is of the device that the board was so far."""
        gone = False

        def remove() -> None:
            nonlocal gone
            self._remove(OF_DEVICE)
            look = f"print([path for path in os.listdir() if path in {OF_DEVICE!r}])"
            gone = self._board.run(look) == "[]\n"

        self._until(lambda: gone, remove)

    def write(self, wanted: Mapping[str, bytes], progress: Progress) -> Plan:
        """Make the target hold exactly `wanted`; what that took."""
        first = plan(wanted, self.held)
        check_space(first, wanted, self.held)
        total = sum(len(wanted[path]) for path in first.upload)

        def follow() -> None:
            found = plan(wanted, self.held)
            travelled = total - sum(len(wanted[path]) for path in found.upload)

            def told(count: int) -> None:
                nonlocal travelled
                travelled += count
                progress(travelled, total)

            self._follow(found, wanted, told)

        self._until(lambda: plan(wanted, self.held).complete, follow)
        return first

    def switch(self, wanted: Mapping[str, bytes], main: bytes) -> None:
        """Let the target, which `write` made complete, run from the next start on."""
        target = plan(wanted, self.held).target
        self._until(
            lambda: self.held.pointer == target, lambda: self._replace(POINTER, target.encode())
        )
        # After the pointer: a main.py from before there were slots starts the old application.
        self._until(
            lambda: self.held.files.get(MAIN) == digest(main), lambda: self._replace(MAIN, main)
        )
        self._until(
            lambda: not plan(wanted, self.held).clear,
            lambda: self._remove(plan(wanted, self.held).clear),
        )

    def _until(self, done: Callable[[], bool], act: Callable[[], None]) -> None:
        """Act and look, and again if the line spoilt it: what arrived damaged shows by digest."""
        failure = BoardError("files arrive damaged on the board; use another cable or plug")
        for _ in range(_TRIES):
            if done():
                return
            try:
                act()
                if not done():
                    self.held = self._look()
            except (BoardLost, BoardFull):
                raise
            except BoardError as error:
                failure = error
                self._begin_again()
        if not done():
            raise failure

    def _begin_again(self) -> None:
        self._board.resync()
        self._begin()

    def _begin(self) -> None:
        self._board.run(_HELPERS.read_text())
        self.held = self._look()

    def _look(self) -> Held:
        output = self._board.run(_LOOK)
        try:
            space, pointer, *entries = [ast.literal_eval(line) for line in output.splitlines()]
            name = pointer[0].strip().decode(errors="replace")
            return Held(
                pointer=name if name in SLOTS else "",
                files={path: found for path, size, found in entries if size >= 0},
                sizes={path: size for path, size, _ in entries if size >= 0},
                directories=frozenset(path for path, size, _ in entries if size < 0),
                block=space[0],
                free_blocks=space[1],
            )
        except (ValueError, SyntaxError, TypeError, IndexError, AttributeError) as error:
            raise BoardError("the list of the board's files arrived damaged; try again") from error

    def _follow(
        self, found: Plan, wanted: Mapping[str, bytes], told: Callable[[int], None]
    ) -> None:
        self._remove(found.remove)
        for directory in sorted({path.rpartition("/")[0] for path in found.copy + found.upload}):
            self._board.run(f"directories({f'{found.target}/{directory}/'!r})")
        for path in found.copy:
            source, new = f"{self.held.pointer}/{path}", f"{found.target}/{path}"
            self._board.run(f"copy({source!r}, {new!r})")
        for path in found.upload:
            self._board.write_file(f"{found.target}/{path}", wanted[path], told)

    def _replace(self, path: str, content: bytes) -> None:
        """A small file, at once; what arrives damaged takes no place."""
        new = path + ".tmp"
        self._board.write_file(new, content, lambda _: None)
        self._board.run(
            f"if digest({new!r}) == {digest(content)!r}:\n    os.rename({new!r}, {path!r})"
        )

    def _remove(self, paths: Sequence[str]) -> None:
        if paths:
            self._board.run(f"for path in {list(paths)!r}:\n    remove(path)")
