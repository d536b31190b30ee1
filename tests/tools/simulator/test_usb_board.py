"""A simulated board on USB is to stock `mpremote` what an ESP32 is; and it behaves as one."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial

from tools.simulator import SimulatorError, UsbBoard
from tools.simulator.chip import RING
from tools.simulator.serial_server import SerialServer

MPREMOTE = str(Path(sys.executable).with_name("mpremote"))
BUSY = "print('main runs')\nwhile True: pass\n"
COUNTS = "import time\nn = 0\nwhile True:\n    time.sleep_ms(5)\n    n += 1\n    print(n)\n"
CHATTY = "n = 0\nwhile True:\n    print('line', n)\n    n += 1\n"
TELLS_CAUSE = "import machine\nprint('cause', machine.reset_cause())\n"
Make = Callable[..., UsbBoard]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """A board that runs, with a main.py if one is given."""
    boards = []

    def make(main: str | None = None, **options: object) -> UsbBoard:
        root = tmp_path / f"board{len(boards)}"
        root.mkdir()
        if main is not None:
            (root / "main.py").write_text(main)
        boards.append(UsbBoard(root, **options))
        boards[-1].start()
        return boards[-1]

    yield make
    for board in boards:
        board.kill()


def mpremote(port: object, *arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [MPREMOTE, "connect", str(port), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
    )


def says(port: object, *arguments: object) -> str:
    """What a command prints; it must succeed."""
    done = mpremote(port, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "main",
    [None, BUSY, CHATTY, COUNTS, "1/0\n"],
    ids=["none", "busy", "chatty", "sleepy", "bad"],
)
@pytest.mark.parametrize("baud", [None, 115200])
def test_mpremote_gets_through_whatever_main_does(
    make: Make, main: str | None, baud: int | None
) -> None:
    assert says(make(main, baud=baud).port, "exec", "print(1+1)") == "2\n"


def test_a_file_travels_there_and_back(make: Make, tmp_path: Path) -> None:
    board = make(BUSY)
    sent, back = tmp_path / "sent", tmp_path / "back"
    sent.write_bytes(bytes(range(256)) * 40)
    says(board.port, "fs", "cp", sent, ":there")
    says(board.port, "fs", "cp", ":there", back)
    assert sent.read_bytes() == (board.root / "there").read_bytes() == back.read_bytes()
    assert "main.py" in says(board.port, "fs", "ls")
    assert board.dropped == 0


def test_a_long_program_is_pasted_whole(make: Make, tmp_path: Path) -> None:
    program = tmp_path / "long.py"
    program.write_text("n = 0\n" + "n += 1  # counts lines\n" * 1000 + "print(n)\n")
    assert says(make().port, "run", program) == "1000\n"


def test_much_output_comes_whole_to_a_reader(make: Make) -> None:
    printed = says(make().port, "exec", "for n in range(3000): print('line', n)")
    assert printed == "".join(f"line {n}\n" for n in range(3000))


def test_resume_keeps_what_was_there_and_soft_reset_does_not(make: Make) -> None:
    board = make("print('main runs')\n")
    says(board.port, "resume", "exec", "x = 5")
    assert says(board.port, "resume", "exec", "print(x)") == "5\n"
    says(board.port, "soft-reset")
    assert "NameError" in mpremote(board.port, "resume", "exec", "print(x)").stdout
    assert board.lines.count("main runs") == 1, "a soft reset from the raw REPL runs no main.py"
    assert board.resets == 0


def test_a_soft_reset_at_the_prompt_runs_main(make: Make) -> None:
    board = make(TELLS_CAUSE)
    board.wait_for("^>>> ?$|cause 1")
    with serial.Serial(str(board.port)) as port:
        port.write(b"\x04")
        board.wait_for("^MPY: soft reboot$")
        board.wait_for("^cause 5$")


def test_main_that_exits_is_a_soft_reset(make: Make) -> None:
    main = "import os, sys\nif 'once' not in os.listdir():\n    open('once', 'w')\n    sys.exit()\n"
    board = make(main + TELLS_CAUSE)
    board.wait_for("^cause 5$")


def test_reset_starts_main_anew(make: Make) -> None:
    board = make(TELLS_CAUSE)
    board.wait_for("^cause 1$")
    says(board.port, "reset")
    board.wait_for(r"^rst:0xc \(SW_CPU_RESET\)")
    board.wait_for("^cause 2$")
    assert board.resets == 1


def test_a_program_may_take_ctrl_c_for_itself(make: Make) -> None:
    board = make(
        "while True:\n"
        "    try:\n"
        "        while True: pass\n"
        "    except KeyboardInterrupt:\n"
        "        print('not me')\n"
    )
    with serial.Serial(str(board.port)) as port:
        for _ in range(3):
            seen = len(board.lines)
            port.write(b"\x03")
            board.wait_for("not me", since=seen)
    assert board.resets == 0


def test_ctrl_c_ends_a_program_that_is_about_to_start(make: Make) -> None:
    board = make(BUSY)
    for _ in range(5):
        board.kill()
        board.start(wait=False)
        with serial.Serial(str(board.port), timeout=60) as port:
            port.write(b"\r\x03")
            port.write(b"\r\x01")
            assert port.read_until(b"raw REPL; CTRL-B to exit\r\n>").endswith(b"\r\n>")


def test_ctrl_c_never_ends_the_board(make: Make) -> None:
    board = make(BUSY)
    with serial.Serial(str(board.port), timeout=60) as port:
        for number in range(10):
            port.write(b"\x03\x03\r\x03\rwhile True: print('round', %d)\r\r" % number)
            assert port.read_until(b"\r\nround %d\r\n" % number).endswith(b"\r\n")
    assert board.resets == 0 and board.lines.count("main runs") == 1


def test_input_that_the_board_does_not_read_overflows_its_ring(make: Make) -> None:
    board = make("import time\ntime.sleep(1000)\n")
    with serial.Serial(str(board.port), timeout=60) as port:
        port.write(b"#" * 300)
        until(lambda: board.dropped == 300 - RING)
        port.write(b"\x03")  # comes through all the same
        assert port.read_until(b">>> " + b"#" * RING).endswith(b">>> " + b"#" * RING)
        port.write(b"\rprint('free again')\r")
        board.wait_for("^free again$")
    assert board.dropped == 300 - RING


def test_a_board_that_nobody_reads_is_not_stopped(make: Make) -> None:
    board = make("for n in range(20000): print('line', n)\nprint('through')\n")
    board.wait_for("^through$")
    with serial.Serial(str(board.port), timeout=0.2) as port:
        stale = port.read(10000)
        port.write(b"print(6 * 7)\r")
        board.wait_for("^42$")
        port.timeout = 30
        assert port.read_until(b"42\r\n").endswith(b"\r\n42\r\n")
    assert len(stale) < 4096, "what nobody read is gone"


def test_the_pace_of_a_uart(make: Make) -> None:
    board = make(baud=9600)
    began = time.monotonic()
    printed = says(board.port, "exec", "print('x' * 1000)")
    assert printed == "x" * 1000 + "\n"
    assert time.monotonic() - began > 1000 / 960


def test_a_cable_pulled_in_the_middle_of_a_copy(make: Make, tmp_path: Path) -> None:
    board = make(BUSY, baud=115200)
    (tmp_path / "big").write_bytes(os.urandom(100_000))
    with subprocess.Popen(
        [MPREMOTE, "connect", str(board.port), "fs", "cp", str(tmp_path / "big"), ":big"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as copy:
        until(lambda: (board.root / "big").exists() and (board.root / "big").stat().st_size > 0)
        board.unplug()
        assert not board.port.exists()
        copy.communicate(timeout=60)
        assert copy.returncode != 0
    board.plug()
    assert says(board.port, "exec", "print('back')") == "back\n"
    assert board.resets == 0


def test_a_board_runs_on_without_its_cable(make: Make) -> None:
    board = make(
        "import time\nn = 0\nwhile True:\n    time.sleep_ms(5)\n    n += 1\n    print(n)\n"
    )
    for _ in range(5):
        before = board.port.readlink()
        with serial.Serial(str(board.port), timeout=60) as port:
            board.unplug()
            with pytest.raises(serial.SerialException):
                port.read(100_000)
            assert not before.exists() or not board.port.is_symlink()
            seen = len(board.lines)
            board.wait_for(r"^\d+$", since=seen + 10)
        board.plug()
    printed = board.lines[3:]
    assert printed == [str(n + 1) for n in range(len(printed))]


DOG = "import machine, time\nprint('cause', machine.reset_cause())\n"


def test_the_watchdog_bites_a_program_that_hangs(make: Make) -> None:
    fed = "for _ in range(150):\n    dog.feed()\n    time.sleep_ms(10)\n"
    board = make(f"{DOG}dog = machine.WDT(timeout=1000)\n{fed}print('hangs')\nwhile True: pass\n")
    board.wait_for("^hangs$")
    assert board.resets == 0, "it was fed for longer than its time"
    board.wait_for("^cause 3$")
    assert board.resets == 1


def test_the_watchdog_outlives_a_soft_reset(make: Make) -> None:
    first = "if machine.reset_cause() == 1:\n    machine.WDT(timeout=500)\n    raise SystemExit\n"
    board = make(DOG + first + "while True: pass\n")
    for cause in (1, 5, 3):
        board.wait_for(f"^cause {cause}$")


def test_a_watchdog_armed_anew_gives_its_new_time(make: Make) -> None:
    arm = "machine.WDT(timeout=%d)\n"
    board = make(DOG + arm % 300 + arm % 60_000 + "time.sleep(1)\nprint('alive')\n")
    board.wait_for("^alive$")
    assert board.resets == 0


def test_pins_are_driven_again_after_a_reset(make: Make) -> None:
    main = (
        "import machine\n"
        "pin = machine.Pin(14, machine.Pin.IN, machine.Pin.PULL_UP)\n"
        "adc = machine.ADC(machine.Pin(34))\n"
        "pin.irq(lambda pin: print('edge', pin.value()))\n"
        "machine.Pin(5, machine.Pin.OUT, value=1)\n"
        "print('volts', adc.read_uv())\n"
        "while True: pass\n"
    )
    board = make(main, millivolts={34: 700})
    for cause in ("power", "reset"):
        started = len(board.lines) if cause == "reset" else 0
        if cause == "reset":
            board.millivolts(34, 800)
            says(board.port, "reset")
        board.wait_for(f"^volts {'700' if cause == 'power' else '800'}000$", since=started)
        board.wait_for_output(5, 1)
        board.press(14)
        board.wait_for("^edge 0$", since=started)
        board.wait_for("^edge 1$", since=started)


def test_a_pin_that_no_program_uses_cannot_be_driven(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.simulator.usb_board._MACHINE_S", 0.2)
    with pytest.raises(SimulatorError, match="no program on the board uses its pins"):
        make().press(14)


def test_the_repositorys_firmware_runs_unflashed(tmp_path: Path) -> None:
    config = {
        "device": "front-door",
        "key": "A" * 43 + "=",
        "agent": "http://127.0.0.1:1",
        "inputs": [{"kind": "button", "name": "bell", "pin": 14, "pull": "up"}],
    }
    with UsbBoard(tmp_path / "board", config=config, firmware=True) as board:
        board.wait_for(r"^boot 1\b")
        board.press(14)
        board.wait_for(r"^captured 1:1 buttonState")


def test_a_power_cut_leaves_nothing(make: Make) -> None:
    make().kill()  # what a first board loads stays
    descriptors, threads = len(os.listdir("/dev/fd")), threading.active_count()  # noqa: PTH208
    board = make(BUSY)
    with serial.Serial(str(board.port)):
        children = Path(f"/proc/self/task/{os.getpid()}/children")
        assert board.port.is_symlink()
        board.kill()
        assert not board.port.is_symlink()
    assert len(os.listdir("/dev/fd")) == descriptors  # noqa: PTH208
    assert threading.active_count() == threads
    assert "micropython" not in " ".join(
        Path(f"/proc/{child}/cmdline").read_text() for child in children.read_text().split()
    )
    with pytest.raises(SimulatorError, match="off"):
        board.plug()
    seen = len(board.lines)
    board.start()
    board.wait_for("^main runs$", since=seen)


def test_a_serial_server_serves_it_over_tcp(make: Make) -> None:
    board = make(BUSY)
    with SerialServer(board.port) as server:
        for _ in range(2):
            assert says(server.url, "exec", "print(1+1)") == "2\n"
        board.unplug()
        assert mpremote(server.url, "exec", "print(1+1)").returncode != 0
        board.plug()
        assert says(server.url, "exec", "print(1+1)") == "2\n"


def test_a_person_tries_it_from_the_terminal(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tools.simulator", "--usb", str(tmp_path / "board")],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin and process.stdout
        port = next(
            line.split()[4].rstrip(";") for line in process.stdout if line.startswith("the board's")
        )
        assert says(port, "exec", "print(1+1)") == "2\n"
        says(port, "exec", "--no-follow", "print(); print('~?'); print('said', 6 * 7)")
        shown = []
        while "said 42" not in shown:
            shown.append(process.stdout.readline().rstrip())
        assert "~?" not in shown
        process.stdin.write("1uq")
        process.stdin.flush()
        assert "config.json" in process.stdout.read()
        assert process.wait(60) == 0
    assert not Path(port).is_symlink()


def until(check: Callable[[], bool]) -> None:
    """Wait for what the board does not print."""
    deadline = time.monotonic() + 30
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.005)
