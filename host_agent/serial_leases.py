"""Who has a serial port: the agent, unless somebody borrows it.

Two locks (flock) per port, on files in `<store>.serial/`: whoever wants the port holds the one, the
agent the other while the port is open. Each takes its own before it looks at the other's, so both
never have the port; a process that is killed gives back what it held. A port is known by its path
and by what that links to; one that is a URL by itself.
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from host_agent.clock import now_ms
from host_agent.errors import ThingWardenError

AGENT_LETS_GO_S = 5.0
"""How long to wait for the agent; it takes 0.2 s, unless it is opening the port just now."""
LONGEST_GRANT_MS = 86_400_000
"""What seems to be granted for longer got damaged, or is of a clock that was ahead."""
_GLIMPSE_S = 0.5
"""How long a lock may seem taken because somebody looks whether it is."""
_POLL_S = 0.01

_WANTED, _OPEN, _UNTIL = "wanted", "open", "until"


class SerialLeaseError(ThingWardenError):
    """A port cannot be had; tells who has it, or which file is in the way."""


@contextmanager
def borrow(store: Path, port: str) -> Iterator[None]:
    """Keeps the agent of `store` away from the port; begins once the agent has let go of it.

    Does not open the port. Raises SerialLeaseError if somebody else has borrowed it.
    """
    with ExitStack() as locks:
        for path in _files(store, port, _WANTED):
            if not locks.enter_context(_locked(path, _GLIMPSE_S)):
                raise SerialLeaseError(f"{port} is borrowed by another program; wait until it ends")
        _wait_for_the_agent(store, port)
        yield


def grant(store: Path, port: str, until_ms: int) -> None:
    """The same until that Unix time, for programs that do not borrow; for LONGEST_GRANT_MS at
    most."""
    for path in _files(store, port, _UNTIL):
        new = path.with_suffix(f".{os.getpid()}")
        try:
            new.write_text(str(until_ms))
            _give_to_owner(new)
            new.replace(path)
        except OSError as error:
            raise _cannot(path, error) from error
    _wait_for_the_agent(store, port)


def revoke(store: Path, port: str) -> None:
    """End what was granted, if anything was."""
    for path in _files(store, port, _UNTIL):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _cannot(path, error) from error


def granted_until(store: Path, port: str) -> int | None:
    """When a grant ends (Unix ms); None without one."""
    latest = max(_until(path) for path in _files(store, port, _UNTIL))
    return latest if 0 < latest - now_ms() <= LONGEST_GRANT_MS else None


def is_lent(store: Path, port: str) -> bool:
    """Whether the agent must keep away from the port now."""
    if granted_until(store, port) is not None:
        return True
    return any(_taken(path) for path in _files(store, port, _WANTED))


@contextmanager
def opening(store: Path, port: str) -> Iterator[bool]:
    """The agent's side: whether it may have the port, which it then lets go of at the end."""
    with ExitStack() as locks:
        mine = [locks.enter_context(_locked(path, 0)) for path in _files(store, port, _OPEN)]
        yield all(mine) and not is_lent(store, port)


def _files(store: Path, port: str, kind: str) -> list[Path]:
    """One for each name of the port, in the order in which they are locked."""
    directory = store.resolve()
    directory = directory.with_name(directory.name + ".serial")
    try:
        with suppress(FileExistsError):
            directory.mkdir(mode=0o700)
            _give_to_owner(directory)
    except OSError as error:
        raise _cannot(directory, error) from error
    names = {port} if "://" in port else {os.path.abspath(port), os.path.realpath(port)}  # noqa: PTH100
    return [directory / f"{_file_name(name)}.{kind}" for name in sorted(names)]


def _give_to_owner(path: Path) -> None:
    """What root makes, in a `sudo make flash`, must stay usable to the agent's own user."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)  # a link could lead far


def _file_name(port: str) -> str:
    digest = hashlib.sha256(os.fsencode(port)).hexdigest()[:16]
    return f"{port.rpartition('/')[2][-40:]}-{digest}"


def _wait_for_the_agent(store: Path, port: str) -> None:
    for path in _files(store, port, _OPEN):
        with _locked(path, AGENT_LETS_GO_S) as free:
            if not free:
                raise SerialLeaseError(f"the agent does not let go of {port}; is it stopped?")


@contextmanager
def _locked(path: Path, patience_s: float) -> Iterator[bool]:
    """Holds the lock, if it can be had in time."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        _give_to_owner(path)
    except OSError as error:
        raise _cannot(path, error) from error
    try:
        deadline = time.monotonic() + patience_s
        while not (mine := _flock(descriptor, fcntl.LOCK_EX)) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        yield mine
    finally:
        os.close(descriptor)


def _taken(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _cannot(path, error) from error
    try:
        return not _flock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _flock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _until(path: Path) -> int:
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return 0
    except OSError as error:
        raise _cannot(path, error) from error


def _cannot(path: Path, error: OSError) -> SerialLeaseError:
    return SerialLeaseError(f"{path} cannot be used: {error.strerror}")
