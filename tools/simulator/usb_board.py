"""A board on a USB cable: what an ESP32 is to `mpremote`, to the agent and to a person."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tools.simulator.cable import Cable
from tools.simulator.chip import Chip
from tools.simulator.pins import Pins
from tools.simulator.pump import Counts, Pump
from tools.simulator.unix_port import (
    FIRMWARE,
    PERIPHERALS,
    SimulatorError,
    environment,
    write_config,
)

_MACHINE_S = 10  # from a reset to a program that imports `machine`, on a busy host


class UsbBoard(Pins):
    """One board whose flash is the directory `root`; `port` is there while it is plugged in.

    Its main.py runs at start, or with `firmware` the repository's, as if it were flashed. `baud`
    slows both directions down to a UART's pace. `millivolts` lie on analog inputs. `on_line` and
    `lines`: all that it prints, also what nobody reads at the port.
    """

    def __init__(
        self,
        root: Path,
        *,
        config: dict[str, Any] | None = None,
        millivolts: Mapping[int, float] | None = None,
        baud: int | None = None,
        on_line: Callable[[str, float], None] | None = None,
        firmware: bool = False,
    ) -> None:
        super().__init__(on_line)
        write_config(root, config)
        self.root = root.resolve()
        self.port = self.root.with_name(f"{self.root.name}.tty")
        self._millivolts = dict(millivolts or {})
        self._firmware = firmware
        self._rate = baud / 10 if baud else None  # a start bit, eight bits, a stop bit
        self._counts = Counts()
        self._cable = Cable(self.port)
        self._pump: Pump | None = None

    @property
    def resets(self) -> int:
        """Hard resets so far: watchdog, machine.reset(), crash."""
        return self._counts.resets

    @property
    def dropped(self) -> int:
        """Bytes that the host sent into a full input ring."""
        return self._counts.dropped

    def start(self, *, wait: bool = True) -> None:
        """Power on and plug in. With `wait`, return when a program or a prompt is there."""
        if self._pump is None:
            self._pump = pump = Pump(self, self._cable, self._begin, self._counts, self._rate)
            pump.start()
            if wait:
                self._wait(lambda: pump.ready or None, "the board did not start", 60)

    def kill(self) -> None:
        """Cut the power, which takes the port away too."""
        if self._pump:
            self._pump.end()
        self._pump = None

    def unplug(self) -> None:
        """Pull the cable; the board runs on."""
        self._running.ask(self._cable.unplug)

    def plug(self) -> None:
        """Put the cable back: a new device under the same name."""
        self._running.ask(self._cable.plug)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def millivolts(self, number: int, value: float) -> None:
        """Put a voltage on an analog input; it stays there when the board resets."""
        self._millivolts[number] = value
        super().millivolts(number, value)

    def _begin(self, cause: int, raw: bool, control: tuple[str, int]) -> Chip:
        main, modules = self.root / "main.py", str(PERIPHERALS)
        if self._firmware:
            main, modules = FIRMWARE / "main.py", f"{FIRMWARE}:{PERIPHERALS}"
        variables = environment(control, self._millivolts, modules)
        return Chip(self.root, main, cause, variables, raw=raw)

    @property
    def _running(self) -> Pump:
        if self._pump is None:
            raise SimulatorError("the board is off")
        return self._pump

    def _ended(self) -> bool:
        return self._pump is None or not self._pump.is_alive()

    def _send(self, line: bytes) -> None:
        pump = self._running
        control = self._wait(
            lambda: pump.control, "no program on the board uses its pins", _MACHINE_S
        )
        try:
            control.sendall(line)
        except OSError as error:
            raise SimulatorError(f"the board reset before it heard {line!r}") from error
