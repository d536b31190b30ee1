"""A board's prompt, with stock `mpremote` and real MicroPython on a pty."""

import os
import re
from base64 import b64encode
from pathlib import Path

import pytest

from tests.tools.board.bare_board import BareBoard
from tools.board.connection import connect
from tools.board.errors import BoardError, BoardLost, BoardRefused
from tools.simulator import UsbBoard

HELD = "print(1)\ntry:\n    while True:\n        pass\nexcept KeyboardInterrupt:\n    pass\n"
FLOOD = "while True:\n    print('x' * 60)\n"
STUBBORN = """
for _ in range(6):
    try:
        while True:
            print("busy")
    except KeyboardInterrupt:
        pass
"""


def test_facts_of_a_board(tmp_path: Path) -> None:
    with BareBoard(tmp_path) as bare, connect(bare.port) as board:
        assert board.facts.platform == "linux"
        assert board.facts.release >= (1, 26)
        assert board.facts.march == "x64" and board.facts.mpy == 6
        assert 50_000 < board.facts.heap < 160 * 1024
        assert bare.starts == 1, "a soft reset would have ended it"


@pytest.mark.parametrize("program", [HELD, FLOOD, STUBBORN], ids=["held", "flood", "stubborn"])
def test_a_busy_board_is_stopped(tmp_path: Path, program: str) -> None:
    (tmp_path / "main.py").write_text(program)
    with BareBoard(tmp_path) as bare, connect(bare.port) as board:
        assert board.run("print(6 * 7)") == "42\n"


def test_a_press_just_before_is_not_lost(tmp_path: Path) -> None:
    button = {"kind": "button", "name": "bell", "pin": 14, "pull": "up"}
    key = b64encode(bytes(32)).decode()
    config = {"device": "bell", "key": key, "agent": "http://127.0.0.1:1", "inputs": [button]}
    with UsbBoard(tmp_path / "board", config=config, firmware=True) as usb:
        usb.wait_for("boot 1, 0 events waiting")
        usb.press(14)
        usb.wait_for("captured 1:1")
        with connect(str(usb.port)) as board:
            board.reset()
            usb.wait_for("boot 2, 1 events waiting")
            usb.press(14)
            usb.wait_for("captured 2:2")


@pytest.mark.parametrize(
    "state",
    [b"\x01", b"\x01\x05A\x01", b"\x01\x05A\x01print(", b"\x05x = '", b"print('''", b"\x01x ="],
    ids=["raw", "raw paste", "half raw paste", "paste", "half line", "half raw line"],
)
def test_whatever_was_left_behind(tmp_path: Path, state: bytes) -> None:
    with BareBoard(tmp_path) as bare:
        port = os.open(bare.port, os.O_RDWR | os.O_NOCTTY)
        os.write(port, state)
        os.close(port)
        with connect(bare.port) as board:
            assert board.run("print(6 * 7)") == "42\n"


def test_garbage_on_the_line_before(tmp_path: Path) -> None:
    with BareBoard(tmp_path) as bare:
        bare.say(bytes(range(256)) * 8 + b">>> raw REPL; CTRL-B to exit\r\n>")
        with connect(bare.port) as board:
            assert board.run("print(6 * 7)") == "42\n"


def test_files_go_there_and_back(tmp_path: Path) -> None:
    data = bytes(range(256)) * 20
    told: list[int] = []
    with BareBoard(tmp_path) as bare, connect(bare.port) as board:
        board.write_file("some.bin", data, told.append)
        assert (tmp_path / "some.bin").read_bytes() == data
        assert board.read_file("some.bin") == data
    assert sum(told) == len(data) and len(told) > 1


def test_an_exception_on_the_board(tmp_path: Path) -> None:
    with (
        BareBoard(tmp_path) as bare,
        connect(bare.port) as board,
        pytest.raises(BoardRefused, match="the board says: ZeroDivisionError: divide by zero"),
    ):
        board.run("1 / 0")


def test_a_reset_starts_main(tmp_path: Path) -> None:
    with BareBoard(tmp_path) as bare, connect(bare.port) as board:
        (tmp_path / "main.py").write_text("print('here', 'I am')\n")
        board.reset()
        heard = ""
        for _ in range(20):
            heard += board.hear(0.5)
            if "here I am" in heard:
                break
    assert "here I am" in heard


def test_the_board_is_left_at_the_friendly_prompt(tmp_path: Path) -> None:
    with BareBoard(tmp_path) as bare:
        with connect(bare.port) as board:
            board.run("pass")
        with connect(bare.port) as board:
            assert bare.starts == 1


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.board.connection._PROMPT_S", 1)
    near, far = os.openpty()
    try:
        with pytest.raises(BoardLost, match=r"nothing answers.*install-micropython"):
            connect(os.ttyname(far)).__enter__()
    finally:
        os.close(near)
        os.close(far)


def test_the_cable_goes_in_the_middle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = "Zm9vYmFyYmF6cXV4" * 200
    with (
        BareBoard(tmp_path, cut_after=2500) as bare,
        pytest.raises(BoardError, match=re.escape(bare.port)) as caught,
        connect(bare.port) as board,
    ):
        board.write_file("x", secret.encode() * 10, lambda _: None)
    assert isinstance(caught.value, BoardLost)
    assert secret[:16] not in str(caught.value)
    assert capsys.readouterr() == ("", "")


def test_a_port_that_is_no_terminal() -> None:
    with pytest.raises(BoardLost, match=r"/dev/null cannot be opened"):
        connect("/dev/null").__enter__()
