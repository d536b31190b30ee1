"""A store in a real file, and boards that make reports for it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host_agent.store import BadEvent, CapturedEvent, Device, Report, Store
from host_agent.store.people import People


class Board:
    """Makes the reports of one device, a new frame each time."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.key = device.key
        self.boot = device.boot + 1
        self.frame = 0

    def use_next_key(self) -> None:
        """What flashing it does after its device was rotated."""
        assert self.device.next_key is not None
        self.key = self.device.next_key

    def report(
        self,
        *seqs: int,
        bad: tuple[BadEvent, ...] = (),
        health: dict[str, object] | None = None,
        frame: int | None = None,
        **fields: Any,
    ) -> Report:
        """Presses with these sequence numbers, then the bad events; other fields as in Report."""
        self.frame = self.frame + 1 if frame is None else frame
        presses = [self.press(seq) for seq in seqs]
        report = Report(
            device=self.device.name,
            key=self.key,
            boot=self.boot,
            frame=self.frame,
            received_ms=1_700_000_100_000 + self.frame,
            events=(*presses, *bad),
            health=health,
        )
        return replace(report, **fields)

    def press(self, seq: int) -> CapturedEvent:
        return CapturedEvent(
            self.boot, seq, "buttonState", {"pressed": True}, 1_700_000_000_000 + seq, "board"
        )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agent.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path) as store:
        yield store


@pytest.fixture
def people(store: Store) -> People:
    return store.people


@pytest.fixture
def board_of() -> Callable[[Device], Board]:
    return Board


@pytest.fixture
def board(store: Store) -> Board:
    return Board(store.add_device("door", "lock", "hq"))
