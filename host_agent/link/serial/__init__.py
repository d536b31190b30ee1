"""The device link over serial ports: frames as lines between those of a board's log (DESIGN
section 4, serial)."""
