"""`onewire` of a stock ESP32 with thermometers DS18B20 on its pins, byte by byte.

They answer as the data sheet says: select one (or all), then convert or read the scratchpad, which
holds 85 degrees until a conversion is over. Bytes take the time that they take on the wire.
"""

import time

from surroundings import Sensor

_NUMBERS = 4
_BYTE_US = 560
_RESET_US = 960
_SEARCH_US = _RESET_US + 24 * _BYTE_US  # 3 slots for each of 64 bits
_MOST_FOUND = 255  # then the driver gives up
_CONVERSION_MS = 750
_CONVERT, _READ = 0x44, 0xBE
_POWER_ON = 85 * 16


class OneWireError(Exception):
    """Nobody answered a reset."""


class OneWire:
    SEARCH_ROM = 0xF0
    MATCH_ROM = 0x55
    SKIP_ROM = 0xCC

    def __init__(self, pin):
        self.pin = pin
        self.pin.init(pin.OPEN_DRAIN, pin.PULL_UP)
        self._probes = [_Probe(pin._number, number) for number in range(_NUMBERS)]
        self._selected = ()
        self._written = b""
        self._out = b""

    def reset(self, required=False):
        time.sleep_us(_RESET_US)
        self._selected = ()
        self._written = self._out = b""
        present = not self.pin.value() or any(probe.present() for probe in self._probes)
        if required and not present:
            raise OneWireError
        return present

    def readbit(self):
        raise NotImplementedError("single bits are not simulated")

    def writebit(self, value):
        raise NotImplementedError("single bits are not simulated")

    def readbyte(self):
        time.sleep_us(_BYTE_US)
        byte, self._out = (self._out[0], self._out[1:]) if self._out else (0xFF, b"")
        return byte

    def readinto(self, buf):
        for i in range(len(buf)):
            buf[i] = self.readbyte()

    def writebyte(self, value):
        time.sleep_us(_BYTE_US)
        self._written += bytes([value])
        present = [probe for probe in self._probes if probe.present()]
        if self._written[:1] == bytes([self.SKIP_ROM]):
            function = self._written[1:]
            self._selected = present
        elif self._written[:1] == bytes([self.MATCH_ROM]):
            function = self._written[9:]
            self._selected = [probe for probe in present if probe.rom == self._written[1:9]]
        else:
            return
        if function == bytes([_CONVERT]):
            for probe in self._selected:
                probe.convert()
        elif function == bytes([_READ]) and self._selected:
            # All that are selected pull the same wire down.
            pads = [probe.scratchpad() for probe in self._selected]
            self._out = bytes([_wired_and(column) for column in zip(*pads)])

    def write(self, buf):
        for byte in buf:
            self.writebyte(byte)

    def select_rom(self, rom):
        self.reset()
        self.writebyte(self.MATCH_ROM)
        self.write(rom)

    def scan(self):
        """A wire that is held low looks like one with every sensor in the world."""
        if not self.pin.value():
            time.sleep_us(_SEARCH_US * _MOST_FOUND)
            return [bytearray(8) for _ in range(_MOST_FOUND)]
        found = [bytearray(probe.rom) for probe in self._probes if probe.present()]
        time.sleep_us(_SEARCH_US * len(found))
        return found

    def crc8(self, data):
        return crc8(data)


class _Probe:
    def __init__(self, pin, number):
        self._sensor = Sensor(pin, number)
        self._power = self._sensor.power
        self._sixteenths = _POWER_ON
        self._started_at = None
        self.rom = rom(pin, number)

    def present(self):
        if not self._sensor.plugged:
            return False
        if self._power != self._sensor.power:
            self._power = self._sensor.power
            self._sixteenths = _POWER_ON
            self._started_at = None
        return True

    def convert(self):
        self._started_at = time.ticks_ms()

    def scratchpad(self):
        started_at = self._started_at
        if started_at is not None and (
            time.ticks_diff(time.ticks_ms(), started_at) >= _CONVERSION_MS
        ):
            self._started_at = None
            self._sixteenths = round(self._sensor.thousandths("temperature") * 16 / 1000)
        low, high = self._sixteenths & 0xFF, self._sixteenths >> 8 & 0xFF
        pad = bytes([low, high, 0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10])
        wrong = 1 if self._sensor.garbled else 0
        return pad + bytes([crc8(pad) ^ wrong])


def rom(pin, number=0):
    """The address of a simulated sensor."""
    address = bytes([0x28, pin, number, 0, 0, 0, 0])
    return address + bytes([crc8(address)])


def crc8(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8C if crc & 1 else 0)
    return crc


def _wired_and(column):
    byte = 0xFF
    for one in column:
        byte &= one
    return byte
