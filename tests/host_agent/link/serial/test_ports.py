"""Ports that come, go, refuse and are lent, as the agent sees them."""

import fcntl
import os
import resource
import signal
import socket
import subprocess
import sys
import termios
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from host_agent import serial_leases
from host_agent.clock import now_ms
from host_agent.config.serial import MAX_PORTS
from host_agent.link.serial.port import BAUD, Port, PortError
from host_agent.link.serial.ports import expected, named
from host_agent.serial_leases import borrow, grant, revoke
from tests.host_agent.link.serial.cable import Cable, CableBoard


def test_a_cable_pulled_twenty_times_comes_back_each_time(
    wired: CableBoard, store, press, caplog
) -> None:
    cable = wired.cable
    for seq in range(1, 21):
        assert wired.report(press(1, seq)) == {"ack": [1, seq]}
        half = wired.pieces(wired.sealed.seal(press(1, seq + 1)))
        cable.write(b"".join(half[:-1]))
        cable.unplug()
        cable.plug()
        cable.wait_for(b"~?")
    assert wired.report(press(1, 21)) == {"ack": [1, 21]}
    assert sorted(event.seq for event in store.events()) == list(range(1, 22))
    gone = [message for message in caplog.messages if message.endswith("is gone")]
    assert len(gone) == 20


def test_a_port_beyond_a_thousand_open_files_is_read(make_cable, eventually) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(2048, hard), hard))
    cable = make_cable("board")
    cable.plug()
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(1024):
            stack.enter_context(Path(os.devnull).open("rb"))
        port = Port(str(cable.port))
        stack.callback(port.close)
        assert port.fileno() >= 1024
        assert port.read() == b""
        cable.write(b"hello")
        assert eventually(port.read) == b"hello"
        cable.unplug()
        with pytest.raises(PortError, match="is gone"):
            eventually(port.read)


def test_a_board_is_nudged_where_it_is_now(attend, make_cable, board, store) -> None:
    first, second = make_cable("first"), make_cable("second")
    first.plug()
    attend(first.port, second.port)
    first.wait_for(b"~?")
    CableBoard(board, first).report()
    first.unplug()
    second.plug()
    second.wait_for(b"~?")
    CableBoard(board, second).report()
    store.set_lockdown("door", True)
    second.wait_for(b"~?")


def test_a_frame_said_again_at_another_port_takes_nothing_from_its_board(
    attend, make_cable, board, store, caplog
) -> None:
    hers, his = make_cable("hers.tty"), make_cable("his.tty")
    hers.plug()
    his.plug()
    attend(hers.port, his.port)
    hers.wait_for(b"~?")
    his.wait_for(b"~?")
    CableBoard(board, hers).report()
    thief = CableBoard(board, his)
    his.write(b"".join(thief.pieces(board.last.encode())) + b"the door is shut\n")
    assert board.open(thief.reply()) == {"error": "stale", "boot": 1}
    hers.drain()
    store.set_lockdown("door", True)
    hers.wait_for(b"~?")
    assert f"{his.port}: the door is shut" in caplog.messages


def test_a_device_is_unknown_again_once_its_port_closed(
    wired: CableBoard, store, caplog, eventually
) -> None:
    wired.report()
    wired.cable.unplug()
    wired.cable.plug()
    wired.cable.wait_for(b"~?")
    wired.cable.write(b"hello\n")
    eventually(lambda: f"{wired.cable.port}: hello" in caplog.messages)
    store.set_lockdown("door", True)
    assert wired.cable.line(0.5) is None


def test_a_pattern_finds_ports_as_they_come(attend, make_cable, tmp_path, state, eventually):
    attend(tmp_path / "usb*", tmp_path / "missing")
    eventually(lambda: state("absent") == 1)
    for number, name in enumerate(["usb0", "usb1"], 1):
        cable = make_cable(name)
        cable.plug()
        cable.wait_for(b"~?")
        eventually(lambda number=number: state("open") == number)
    make_cable("other").plug()
    assert state("open") == 2


def test_names_that_nothing_can_have_are_ports_that_are_not_there(
    attend, cable: Cable, tmp_path, state, eventually
) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    attend(tmp_path / ("x" * 300), loop, cable.port)
    cable.wait_for(b"~?")
    eventually(lambda: state("absent") == 2)


def test_a_port_with_two_names_is_opened_once(attend, cable: Cable, tmp_path, caplog):
    (tmp_path / "by-id").symlink_to(cable.port)
    attend(tmp_path / "by-*", cable.port)
    cable.wait_for(b"~?")
    assert cable.line(1.2) is None
    assert [m for m in caplog.messages if "serial port" in m] == [
        f"serial port {tmp_path / 'by-id'} is open"
    ]


def test_more_ports_than_there_may_be_are_told(attend, tmp_path: Path, caplog, eventually) -> None:
    for number in range(MAX_PORTS + 1):
        (tmp_path / f"p{number}").touch()
    attend(tmp_path / "p*")
    eventually(lambda: "33 ports match [serial] ports; 32 are used" in caplog.messages)


def test_a_port_in_use_is_told_once_and_taken_when_it_is_free(
    attend, cable: Cable, caplog, eventually
) -> None:
    other = os.open(cable.port, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(other, fcntl.LOCK_EX)
    attend(cable.port)
    problem = f"serial port {cable.port} is not free: another program has it"
    eventually(lambda: problem in caplog.messages)
    os.close(other)
    cable.wait_for(b"~?")
    assert caplog.messages.count(problem) == 1


def test_what_is_no_serial_port_is_told(attend, tmp_path: Path, caplog, eventually) -> None:
    (tmp_path / "file").touch()
    attend(tmp_path / "file")
    eventually(lambda: any("file cannot be opened" in message for message in caplog.messages))


def test_a_port_that_may_not_be_opened_names_the_group(cable: Cable) -> None:
    cable.port.chmod(0)
    script = (
        "import os, sys\n"
        "from host_agent.link.serial.port import Port\n"
        "if os.getuid() == 0: os.setgroups([]); os.setgid(12345); os.setuid(12345)\n"
        "Port(sys.argv[1])\n"
    )
    command = [sys.executable, "-c", script, str(cable.port)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "PortError: may not be opened: add yourself to the group " in done.stderr


def test_opening_asks_for_the_speed_and_lets_the_lines_stay_when_it_closes(cable: Cable) -> None:
    port = Port(str(cable.port))
    _, _, flags, _, speed, _, _ = termios.tcgetattr(port.fileno())
    assert not flags & termios.HUPCL
    assert speed == getattr(termios, f"B{BAUD}")
    port.close()


def test_a_board_that_reads_nothing_holds_up_nobody(cable: Cable) -> None:
    port = Port(str(cable.port))
    line = b"~?" + b"x" * 100 + b"\n"
    sent = 0
    while port.write(line):
        sent += 1
        assert sent < 10_000
    while (line_at_end := cable.line(0.1)) is not None:
        assert line_at_end + b"\n" == line  # none is cut
    assert port.write(line)
    port.close()


def test_nothing_but_ends_of_lines_is_read_slowly(attend, cable: Cable) -> None:
    attend(cable.port)
    cable.wait_for(b"~?")
    taken, until = 0, time.monotonic() + 1
    while time.monotonic() < until:
        cable.write(b"\n" * 512)
        taken += 512
    assert taken < 40_000


def test_a_pulled_cable_ends_reading(cable: Cable) -> None:
    port = Port(str(cable.port))
    cable.unplug()
    with pytest.raises(PortError, match="is gone"):
        port.read()
    assert not port.write(b"~?\n")
    port.close()


def test_a_serial_server_is_a_port_too(attend, board, press, eventually, state) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        attend(f"socket://127.0.0.1:{server.getsockname()[1]}")
        for seq in (1, 2):
            connection, _ = server.accept()
            with connection, connection.makefile("rb") as lines:
                connection.settimeout(20)
                assert lines.readline() == b"\n"
                assert lines.readline() == b"~?\n"
                connection.sendall(b"~" + board.seal(press(1, seq)) + b"\n")
                text, left = b"", 1
                while left:
                    number, _, piece = lines.readline().strip(b"~\n").partition(b":")
                    left, text = int(number), text + piece
                    if left:
                        connection.sendall(b"~?%d\n" % (left - 1))
                assert board.open(text) == {"ack": [1, seq]}
    eventually(lambda: state("failing") == 1)


def test_a_borrowed_port_is_closed_at_once_and_taken_back(
    wired: CableBoard, tmp_path: Path, press, caplog, state, eventually
) -> None:
    cable = wired.cable
    with borrow(tmp_path / "agent.db", str(cable.port.resolve())):
        other = os.open(cable.port, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody has it
        os.close(other)
        eventually(lambda: state("lent") == 1)
        cable.drain()
        assert cable.line(1) is None
    cable.wait_for(b"~?")
    assert wired.report(press(1, 1)) == {"ack": [1, 1]}
    told = [m.rpartition(f"{cable.port} ")[2] for m in caplog.messages if "serial port" in m]
    assert told == ["is lent: the agent keeps away from it", "is taken back"]


def test_a_borrower_that_is_killed_gives_the_port_back(wired: CableBoard, tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from host_agent.serial_leases import borrow\n"
        "with borrow(Path(sys.argv[1]), sys.argv[2]):\n"
        "    print('mine', flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "agent.db"), str(wired.cable.port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as borrower:
        assert borrower.stdout.readline() == b"mine\n"
        wired.cable.drain()
        borrower.send_signal(signal.SIGKILL)
    wired.cable.wait_for(b"~?")


def test_a_granted_port_comes_back_when_its_time_is_over_or_revoked(
    wired: CableBoard, tmp_path: Path, state, eventually, monkeypatch
) -> None:
    store, port = tmp_path / "agent.db", str(wired.cable.port)
    grant(store, port, now_ms() + 600_000)
    eventually(lambda: state("lent") == 1)
    wired.cable.drain()
    monkeypatch.setattr(serial_leases, "now_ms", lambda: now_ms() + 600_000)
    wired.cable.wait_for(b"~?")
    grant(store, port, now_ms() + 1_200_000)
    eventually(lambda: state("lent") == 1)
    wired.cable.drain()
    revoke(store, port)
    wired.cable.wait_for(b"~?")


def test_which_ports_patterns_mean(tmp_path: Path) -> None:
    for name in ("usb1", "usb0", "other"):
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("usb1")
    plain, pattern = str(tmp_path / "gone"), str(tmp_path / "usb*")
    url = "socket://[::1]:4000"
    usb0, usb1, link = (str(tmp_path / name) for name in ("usb0", "usb1", "link"))
    assert expected([plain, pattern, url, pattern]) == [plain, usb0, usb1, url]
    assert expected([link, pattern]) == [link, usb0]
    assert expected([link, pattern], [usb1]) == [usb1, usb0]
    assert named(link, [pattern]) == usb1
    assert named(url, [url]) == url
    assert named(str(tmp_path / "other"), [pattern, url]) is None
