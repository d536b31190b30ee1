"""Whether the store's files are those that are written to, and read back."""

import logging
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from host_agent.store import events
from host_agent.store.errors import StoreDamaged
from host_agent.store.schema import is_damage

_log = logging.getLogger(__name__)

_READ_BACK_EVERY_S = 1.0
"""For so long reports may be acknowledged into a file that is overwritten under the agent. One
look takes some 0.3 ms."""
_TELL_AFTER = 10
"""Looks that failed in a row. One fails while another process mends what a killed one left."""


class FileCheck:
    """Belongs to the writer's thread."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._path = path
        self._identities = {
            file: _identity(file) for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm"))
        }
        self._due = 0.0
        self._failed = 0

    def in_place(self) -> None:
        """Raises StoreDamaged if a file that is written to is not the one at its path. SQLite has
        them all while anybody has the store open: what it writes to a lost -wal is lost with it,
        and without the -shm processes write at the same time."""
        for file, identity in self._identities.items():
            try:
                in_place = _identity(file) == identity
            except OSError:
                in_place = False
            if not in_place:
                raise StoreDamaged(
                    f"{file}, where the store is, was deleted or replaced while in use; restart"
                    " the agent, which takes what is left, or makes it anew with the devices it had"
                )

    def reads_back(self, last_id: int) -> None:
        """Once in a while: raises StoreDamaged if who opens the file now does not find the
        event ids up to `last_id`, which were committed, as given. An open connection goes on in
        its own memory when the file is overwritten, so that it may never notice. That the file
        cannot be opened now proves nothing.
        """
        if time.monotonic() < self._due:
            return
        try:
            found = self._last_id()
            reason = "" if found >= last_id else "it lacks what was committed"
            self._failed = 0
        except sqlite3.Error as error:
            reason = self._damage(error)
        finally:
            self._due = time.monotonic() + _READ_BACK_EVERY_S
        if reason:
            raise StoreDamaged(
                f"the store {self._path} is damaged ({reason}); restart the agent, which mends"
                " it or sets it aside"
            )

    def _damage(self, error: sqlite3.Error) -> str:
        """What the error says of the file; nothing if a later look may find it sound."""
        if is_damage(error) or error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
            return str(error)
        self._failed += 1
        if self._failed == _TELL_AFTER:
            _log.warning(
                "the store %s cannot be opened anew (%s): if something else overwrites it now, the"
                " agent may not notice",
                self._path,
                error,
            )
        return ""

    def _last_id(self) -> int:
        with closing(sqlite3.connect(f"{self._path.as_uri()}?mode=ro", 0, uri=True)) as fresh:
            return events.last_id(fresh)


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
