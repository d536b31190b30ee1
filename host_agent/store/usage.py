"""Who has the store open: only a process that is alone with it may check and replace the file."""

import os
import sqlite3
from pathlib import Path

from host_agent.store.schema import is_damage, make_private

_WAIT_S = 60.0  # another process may be checking a large store


class Usage:
    """A shared lock on `<store>.inuse`, held while the store is open.

    SQLite's own file locks: they work on every platform and end with the process.
    """

    def __init__(self, store: Path) -> None:
        """`alone` tells whether this process is the only one, and until `share` stays so.

        Raises OSError or sqlite3.Error.
        """
        self._path = store.with_name(store.name + ".inuse")
        self.alone = False
        make_private(self._path)
        self._connection = sqlite3.connect(
            self._path, timeout=0, isolation_level=None, check_same_thread=False
        )
        try:
            self.alone = self._lock_alone()
            if not self.alone:
                self.share()
        except sqlite3.Error:
            self.release()
            raise

    def share(self) -> None:
        """Let other processes in."""
        if self.alone:
            self._connection.execute("ROLLBACK")
            self.alone = False
        self._connection.execute(f"PRAGMA busy_timeout = {int(_WAIT_S * 1000)}")
        self._connection.execute("BEGIN")
        self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()

    def release(self) -> None:
        """The store is closed."""
        self._connection.close()

    def _lock_alone(self) -> bool:
        try:
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                return False
            if not is_damage(error):
                raise
            os.truncate(self._path, 0)  # it holds nothing, and the locks of others stay
            return self._lock_alone()
        return True
