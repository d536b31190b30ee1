"""What travels to a board, and that it boots the old or the new, whatever goes wrong on the way.

Real MicroPython behind a pty, stock `mpremote`, and a firmware of a few lines.
"""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools.board.bare_board import BareBoard
from tests.tools.board.tiny_firmware import FILES, boot, tiny_firmware
from tools.board.connection import connect
from tools.board.deployment import Written, deploy
from tools.board.errors import BoardError, BoardLost
from tools.board.facts import Facts, check, facts
from tools.board.provision import BoardFiles
from tools.board.slot_writer import SlotWriter
from tools.simulator import UsbBoard
from tools.simulator.serial_server import SerialServer

OLD, NEW, MIXED = "running 1 1", "running 2 2", "running 2 1"
SMALL_FLASH = """
import os

class Flash:
    data = bytearray(48 * 512)

    def readblocks(self, number, buffer, offset=0):
        start = number * 512 + offset
        buffer[:] = self.data[start : start + len(buffer)]

    def writeblocks(self, number, buffer, offset=0):
        start = number * 512 + offset
        self.data[start : start + len(buffer)] = buffer

    def ioctl(self, what, argument):
        return {4: 48, 5: 512, 6: 0}.get(what)

os.VfsLfs2.mkfs(Flash())
os.mount(os.VfsLfs2(Flash()), "/flash")
os.chdir("/flash")
with open("mine.txt", "w") as file:
    file.write("x" * 6000)
print("a small flash")
"""


def flashed(
    port: object,
    firmware: Path,
    files: BoardFiles = FILES,
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> Written:
    with connect(str(port)) as board:
        written = deploy(board, files, firmware, progress)
        board.reset()
    return written


def test_from_a_clean_board_on(tmp_path: Path) -> None:
    first = tiny_firmware(tmp_path / "first")
    second = tiny_firmware(tmp_path / "second", one=2)
    told: list[tuple[int, int]] = []
    with UsbBoard(tmp_path / "board") as board:
        clean = flashed(board.port, first, progress=lambda *moved: told.append(moved))
        board.wait_for(OLD)
        changed = flashed(board.port, second)
        board.wait_for(MIXED)
        same = flashed(board.port, second)

    assert clean.slot == "a" and clean.before == "" and not clean.copied
    assert len(clean.uploaded) == 5 + 3, "modules, config.json, ca.der, main.py"
    assert told[-1][0] == told[-1][1] and len(told) > len(clean.uploaded)
    assert changed.slot == "b" and changed.before == "a"
    assert changed.uploaded == ("warden/one.mpy",) and changed.uploaded_bytes < 200
    assert len(changed.copied) == 6
    assert same.slot == "b" and not same.uploaded and not same.copied and len(same.kept) == 7

    root = tmp_path / "board"
    assert (root / "slot").read_text() == "b" and not (root / "slot.tmp").exists()
    assert json.loads((root / "b/config.json").read_text()) == FILES.config
    assert (root / "b/ca.der").read_bytes() == b"\0der"
    assert {path.name for path in (root / "a").iterdir()} == {"warden"}, "no second copy of a key"


def test_a_module_of_the_owners_travels_when_it_changed_and_goes_when_it_is_named_no_more(
    tmp_path: Path,
) -> None:
    firmware, garden = tiny_firmware(tmp_path / "1"), tmp_path / "garden.py"
    garden.write_text("VERSION = 1")
    files = dataclasses.replace(FILES, modules={"garden": garden})
    root = tmp_path / "board"
    with BareBoard(root) as board:
        assert "garden.mpy" in flashed(board.port, firmware, files).uploaded
        assert flashed(board.port, firmware, files).uploaded == ()
        assert "garden 1" in boot(root)
        garden.write_text("VERSION = 2")
        assert flashed(board.port, firmware, files).uploaded == ("garden.mpy",)
        assert "garden 2" in boot(root)
        assert "b/garden.mpy" in flashed(board.port, firmware).removed
        assert OLD in boot(root) and "garden" not in boot(root)
    assert not list(root.rglob("garden*"))


@pytest.mark.parametrize("name", ["json", "ujson", "asyncio", "machine", "time"])
def test_a_name_of_micropythons_own_is_refused_before_anything_is_written(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / f"{name}.py").write_text("")
    files = dataclasses.replace(FILES, modules={name: tmp_path / f"{name}.py"})
    with (
        BareBoard(tmp_path / "board") as board,
        pytest.raises(BoardError, match=f"a module {name} itself: give {name}.py another name"),
    ):
        flashed(board.port, tiny_firmware(tmp_path / "1"), files)
    assert list((tmp_path / "board").iterdir()) == []


@pytest.mark.parametrize(
    ("source", "told"),
    [("def blink(:", r"garden\.py does not compile.*SyntaxError"), (None, "cannot be read")],
    ids=["syntax", "gone"],
)
def test_a_module_that_cannot_be_compiled_leaves_the_board_as_it_was(
    tmp_path: Path, source: str | None, told: str
) -> None:
    if source:
        (tmp_path / "garden.py").write_text(source)
    files = dataclasses.replace(FILES, modules={"garden": tmp_path / "garden.py"})
    with BareBoard(tmp_path / "board") as board, pytest.raises(BoardError, match=told):
        flashed(board.port, tiny_firmware(tmp_path / "1"), files)
    assert list((tmp_path / "board").iterdir()) == []


def test_the_way_back_is_short(tmp_path: Path) -> None:
    """The other slot still has the modules of the time before."""
    first, second = tiny_firmware(tmp_path / "1"), tiny_firmware(tmp_path / "2", 2, 2)
    with BareBoard(tmp_path / "board") as board:
        for firmware in (first, second):
            flashed(board.port, firmware)
        back = flashed(board.port, first)
    assert back.slot == "a" and not back.uploaded
    assert set(back.copied) == {"config.json", "ca.der"}


def test_a_config_travels_only_if_more_than_its_floor_changed(tmp_path: Path) -> None:
    firmware = tiny_firmware(tmp_path / "1")
    later = dataclasses.replace(FILES, config=FILES.config | {"boot_floor": 9})
    other = dataclasses.replace(FILES, config=FILES.config | {"key": "d29ybGQ="})
    with BareBoard(tmp_path / "board") as board:
        flashed(board.port, firmware)
        assert flashed(board.port, firmware, later).uploaded == ()
        assert flashed(board.port, firmware, other).uploaded == ("config.json",)
    assert json.loads((tmp_path / "board/b/config.json").read_text()) == other.config


def test_a_board_of_another_device_is_refused_unless_it_shall_be_this_one(tmp_path: Path) -> None:
    firmware = tiny_firmware(tmp_path / "firmware")
    gate = BoardFiles(FILES.config | {"device": "gate"}, FILES.extra)
    root = tmp_path / "board"
    unsent = [root / "spool/1", root / "attempts/1", root / "access.json"]
    with UsbBoard(root) as board:
        flashed(board.port, firmware)
        for path in unsent:
            path.parent.mkdir(exist_ok=True)
            path.write_text("of d")
        at = len(board.lines)
        with pytest.raises(BoardError, match=f"--port {board.port} --device gate --replace"):
            flashed(board.port, firmware, gate)
        board.wait_for(OLD, since=at)
        assert (root / "slot").read_text() == "a" and not (root / "b").exists()
        assert all(path.exists() for path in unsent)

        with connect(str(board.port)) as prompt:
            deploy(prompt, gate, firmware, lambda _, __: None, replace=True)
        assert json.loads((root / "b/config.json").read_text())["device"] == "gate"
        assert not any(path.exists() for path in unsent)

        unsent[2].write_text("of gate")
        flashed(board.port, firmware, gate)
        assert unsent[2].exists()


def test_a_board_from_before_the_slots(tmp_path: Path) -> None:
    root = tmp_path / "board"
    (tiny_firmware(tmp_path / "1") / "warden").rename(tmp_path / "warden")
    root.mkdir()
    (tmp_path / "warden").rename(root / "warden")
    (root / "main.py").write_text("from warden import app\n\napp.main()\n")
    (root / "config.json").write_text("{}")
    (root / "spool").mkdir()
    (root / "spool/1").write_text("waits")
    assert OLD in boot(root)
    with BareBoard(root) as board:
        written = flashed(board.port, tiny_firmware(tmp_path / "2", 2, 2))
    assert NEW in boot(root)
    assert {"config.json", "warden/app.py"} <= set(written.removed)
    assert {path.name for path in root.iterdir()} == {"a", "main.py", "slot", "spool"}
    assert (root / "spool/1").read_text() == "waits"


def test_a_damaged_flash_is_mended(tmp_path: Path) -> None:
    """A pointer of random bytes, and a module that does not read."""
    firmware = tiny_firmware(tmp_path / "1")
    root = tmp_path / "board"
    with BareBoard(root) as board:
        flashed(board.port, firmware)
        (root / "slot").write_bytes(b"\xff\xfe\x80")
        (root / "a/warden/one.mpy").unlink()
        (root / "a/warden/one.mpy").symlink_to("/proc/self/mem")
        assert flashed(board.port, firmware).uploaded == ("warden/one.mpy",)
    assert OLD in boot(root)


def test_the_cable_goes_anywhere(tmp_path: Path) -> None:
    first, second = tiny_firmware(tmp_path / "1"), tiny_firmware(tmp_path / "2", 2, 2)
    (second / "main.py").write_text((first / "main.py").read_text() + "# newer\n")
    whole = BareBoard(tmp_path / "whole")
    with whole:
        flashed(whole.port, first)
        start = whole.down
        flashed(whole.port, second)
    length = whole.down - start
    seen = set()
    for percent in (10, 40, 60, 75, 85, 90, 95, 99):
        root = tmp_path / f"at {percent}"
        with BareBoard(root) as board:
            flashed(board.port, first)
        with (
            BareBoard(root, cut_after=length * percent // 100) as board,
            pytest.raises(BoardLost, match=r"connection to the board on .* broke"),
        ):
            flashed(board.port, second)
        state = boot(root)
        assert (OLD in state) != (NEW in state), (percent, state)
        seen.add(OLD in state)
        with BareBoard(root) as board:
            flashed(board.port, second)
        assert NEW in boot(root)
        names = {path.name for path in root.iterdir()}
        assert names == {"a", "b", "main.py", "slot"}, percent
    assert seen == {True, False}, "cut before and after the pointer was renamed"


def test_bytes_that_change_on_the_way(tmp_path: Path) -> None:
    firmware = tiny_firmware(tmp_path / "1")
    whole = BareBoard(tmp_path / "whole")
    with whole:
        flashed(whole.port, firmware)
    damage = frozenset(range(whole.down // 3, whole.down, whole.down // 4))
    with BareBoard(tmp_path / "board", damage=damage) as board:
        flashed(board.port, firmware)
    assert board.down > whole.down, "something travelled twice"
    assert OLD in boot(tmp_path / "board")


@pytest.mark.parametrize("at", [500, 900])
def test_a_byte_of_the_first_words_that_changes_on_the_way(tmp_path: Path, at: int) -> None:
    with BareBoard(tmp_path / "board", damage=frozenset({at})) as board:
        flashed(board.port, tiny_firmware(tmp_path / "1"))
    assert OLD in boot(tmp_path / "board")


def test_a_byte_that_changes_while_a_device_is_forgotten(tmp_path: Path) -> None:
    unsent = tmp_path / "board/spool/1"
    unsent.parent.mkdir(parents=True)
    unsent.write_text("of d")
    damage: set[int] = set()
    with BareBoard(tmp_path / "board", damage=damage) as board, connect(board.port) as prompt:
        writer = SlotWriter(prompt)
        damage.add(board.down + len("\x05A\x01for path in ['"))  # raw paste mode; spool: rpool
        writer.forget_device()
    assert not unsent.parent.exists()


def test_a_line_that_damages_everything(tmp_path: Path) -> None:
    damage = frozenset(range(3000, 10**6, 900))
    with BareBoard(tmp_path / "board", damage=damage) as board, pytest.raises(BoardError):
        flashed(board.port, tiny_firmware(tmp_path / "1"))
    assert not (tmp_path / "board/slot").exists()


def test_a_board_behind_a_serial_server(tmp_path: Path) -> None:
    with UsbBoard(tmp_path / "board") as board, SerialServer(board.port) as server:
        flashed(server.url, tiny_firmware(tmp_path / "1"))
        board.wait_for(OLD)


def test_a_flash_that_is_too_small(tmp_path: Path) -> None:
    """A littlefs of 24 KiB, its block 512 bytes, on MicroPython's own driver."""
    (tmp_path / "main.py").write_text(SMALL_FLASH)
    firmware = tiny_firmware(tmp_path / "1")
    with BareBoard(tmp_path) as board, connect(board.port) as prompt:
        fits = deploy(prompt, FILES, firmware, lambda _, __: None)
        assert prompt.run("print(open('slot').read())") == "a\n"
        (firmware / "warden/large.py").write_text(f"TEXT = {'longer ' * 3000!r}")
        with pytest.raises(
            BoardError, match=r"the board's flash is too full: .* nothing was changed"
        ):
            deploy(prompt, FILES, firmware, lambda _, __: None)
        assert (
            prompt.run("import os\nprint(os.listdir())") == "['a', 'main.py', 'mine.txt', 'slot']\n"
        )
    assert fits.slot == "a"


@pytest.mark.parametrize("pace", [115200])
def test_at_the_pace_of_a_uart(tmp_path: Path, pace: int) -> None:
    """The board's input ring of 259 bytes never overflows."""
    with UsbBoard(tmp_path / "board", baud=pace) as board:
        flashed(board.port, tiny_firmware(tmp_path / "1"))
        board.wait_for(OLD)
        assert board.dropped == 0


ESP32: tuple[str, tuple[object, ...], str, int, int] = (
    "esp32",
    (1, 26, 1, ""),
    "Generic ESP32 module with ESP32",
    10 << 10 | 3 << 8 | 6,
    163_000,
)


def test_the_facts_of_an_esp32() -> None:
    found = facts(*ESP32)
    check(found)
    assert found == Facts("esp32", (1, 26, 1), ESP32[2], "xtensawin", 6, 163_000)
    assert found.version == "1.26.1"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"release": (1, 25, 0)}, "has MicroPython 1.25.0, and the firmware needs 1.26"),
        ({"mpy": 7}, "loads .mpy files of version 7"),
        ({"mpy": 0}, "loads .mpy files of version 0"),
    ],
    ids=["too old", "newer format", "no .mpy files"],
)
def test_a_board_that_the_firmware_cannot_run_on(changed: dict[str, object], told: str) -> None:
    with pytest.raises(BoardError, match=f"{told}.*install-micropython"):
        check(dataclasses.replace(facts(*ESP32), **changed))


def test_a_processor_of_the_future_takes_plain_modules() -> None:
    platform, release, machine, _, heap = ESP32
    assert facts(platform, release, machine, 15 << 10 | 6, heap).march is None
