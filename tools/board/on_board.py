"""What flashing does on the board itself: sent there as text, and MicroPython runs it.

MicroPython's subset, short names of its own file system: no pathlib there.
"""

# ruff: noqa: PTH102, PTH106, PTH107, PTH116, PTH123, PTH208, SIM105 (as MicroPython has it)

import hashlib
import os
import sys
from binascii import hexlify

_DIRECTORY = 0x4000


def digest(path: str) -> str:
    """SHA-256 of a file in hexadecimal."""
    state = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(512):
            state.update(piece)
    return hexlify(state.digest()).decode()


def show(path: str) -> None:
    """A line (path, size, digest) for every file there or below, "" as the digest of one that does
    not read; (path, -1, "") for a directory; nothing if it does not exist."""
    try:
        mode, size = os.stat(path)[0], os.stat(path)[6]
    except OSError:
        return
    if not mode & _DIRECTORY:
        try:
            found = digest(path)
        except OSError:
            found = ""
        print((path, size, found))
        return
    print((path, -1, ""))
    for name in os.listdir(path):
        show(path + "/" + name)


def remove(path: str) -> None:
    """A file or a directory with all in it; nothing if it does not exist."""
    try:
        mode = os.stat(path)[0]
    except OSError:
        return
    if mode & _DIRECTORY:
        for name in os.listdir(path):
            remove(path + "/" + name)
        os.rmdir(path)
    else:
        os.remove(path)


def directories(path: str) -> None:
    """Make the directories that the file `path` lies in."""
    made = ""
    for name in path.split("/")[:-1]:
        made += name
        try:
            os.mkdir(made)
        except OSError:
            pass  # it is there
        made += "/"


def copy(source: str, path: str) -> None:
    """A file once more, in a directory that is there."""
    with open(source, "rb") as old, open(path, "wb") as new:
        while piece := old.read(512):
            new.write(piece)


def blocks() -> None:
    """Print the size of a block of flash, and how many are free."""
    found = os.statvfs("/" if sys.platform != "linux" else ".")
    print((found[0], found[3]))
