"""Real firmware on the Unix port of MicroPython, with its pins in our hands."""

from tools.simulator.board_process import (
    PERIPHERALS,
    SimulatedBoard,
    SimulatorError,
    micropython,
)

__all__ = ["PERIPHERALS", "SimulatedBoard", "SimulatorError", "micropython"]
