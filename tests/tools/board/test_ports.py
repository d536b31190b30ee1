"""Which port is meant."""

import os
from pathlib import Path

import pytest

from tools.board.errors import BoardError
from tools.board.ports import Port, available, choose

ONE = Port("/dev/ttyUSB0", "CP2102 USB to UART", "0001")
OTHER = Port("/dev/ttyACM0", "", "")


def test_the_only_board_needs_no_name() -> None:
    assert choose(None, [ONE]) == "/dev/ttyUSB0"


def test_of_two_one_must_be_named() -> None:
    with pytest.raises(BoardError) as caught:
        choose(None, [OTHER, ONE])
    assert "/dev/ttyACM0" in str(caught.value)
    assert "/dev/ttyUSB0 (CP2102 USB to UART, 0001)" in str(caught.value)
    assert choose("/dev/ttyACM0", [OTHER, ONE]) == "/dev/ttyACM0"


def test_no_board_at_all() -> None:
    with pytest.raises(BoardError, match="plug it in with a cable that carries data"):
        choose(None, [])


@pytest.mark.parametrize("url", ["socket://192.168.1.20:4000", "rfc2217://serial.lan:2217"])
def test_a_port_of_another_machine(url: str) -> None:
    assert choose(url, []) == url


@pytest.mark.parametrize("url", ["socket://nowhere", "socket://:1", "http://x:80", "socket://x:y"])
def test_a_url_that_is_no_port(url: str) -> None:
    with pytest.raises(BoardError, match="must be like socket://"):
        choose(url, [])


def test_a_terminal_and_a_link_to_one_are_ports(tmp_path: Path) -> None:
    near, far = os.openpty()
    link = tmp_path / "board.tty"
    link.symlink_to(os.ttyname(far))
    try:
        assert choose(os.ttyname(far), []) == os.ttyname(far)
        assert choose(str(link), []) == str(link)
    finally:
        os.close(near)
        os.close(far)


def test_a_missing_port_tells_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match=r"there is no port .*gone.*On USB now: /dev/ttyUSB0"):
        choose(str(tmp_path / "gone"), [ONE])


def test_a_file_is_no_port(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="is no serial port"):
        choose(str(tmp_path), [])


def test_this_machine_can_be_asked() -> None:
    assert all(port.device for port in available())
