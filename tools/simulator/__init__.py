"""Real firmware on the Unix port of MicroPython, with its pins in our hands."""

from tools.simulator.board_process import SimulatedBoard
from tools.simulator.unix_port import FIRMWARE, PERIPHERALS, SimulatorError, micropython
from tools.simulator.usb_board import UsbBoard

__all__ = [
    "FIRMWARE",
    "PERIPHERALS",
    "SimulatedBoard",
    "SimulatorError",
    "UsbBoard",
    "micropython",
]
