"""The device link over serial ports: frames as lines between those of a board's log (DESIGN
section 4, serial)."""

from host_agent.link.serial.link import SerialLink

__all__ = ["SerialLink"]
