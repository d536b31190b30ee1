"""`machine` of a stock ESP32 on the Unix port, its pins driven over a TCP connection.

SIM_MILLIVOLTS=34:715,... lies on analog inputs at start. SIM_CONTROL=host:port names the driver:
it sends lines `pin N LEVEL`, `adc N MICROVOLTS` and `wifi 0|1`, each answered with `done ...`, and
hears `pin N LEVEL` whenever an output changes.
Handlers run as on ESP32: through the scheduler, later, and not at all when its queue is full.
"""

import _thread
import os
import socket
from array import array

import micropython

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5

_PINS = 40
_EXIST = set(range(40)) - {6, 7, 8, 9, 10, 11, 20, 24, 28, 29, 30, 31}
_levels = bytearray(_PINS)
_driven = bytearray(_PINS)
_microvolts = array("q", [0] * _PINS)
_triggers = bytearray(_PINS)
_handlers = [None] * _PINS
_objects = [None] * _PINS
air = bytearray(b"\x01")  # is there a Wi-Fi network


class Pin:
    IN, OUT, OPEN_DRAIN = 1, 3, 7
    PULL_DOWN, PULL_UP = 1, 2
    IRQ_RISING, IRQ_FALLING = 1, 2

    def __init__(self, number, mode=-1, pull=-1, *, value=None):
        if number not in _EXIST:
            raise ValueError("invalid pin")
        if pull in (self.PULL_UP, self.PULL_DOWN) and number >= 34:
            raise ValueError("pin has no pull")
        self._number = number
        self._mode = mode
        if pull == self.PULL_UP and not _driven[number]:
            _levels[number] = 1
        if value is not None:
            self.value(value)
        _objects[number] = self

    def value(self, level=None):
        if level is None:
            return _levels[self._number]
        if _levels[self._number] != bool(level):
            _levels[self._number] = bool(level)
            _tell("pin %d %d\n" % (self._number, _levels[self._number]))
        return None

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def irq(self, handler=None, trigger=3):
        _triggers[self._number] = trigger
        _handlers[self._number] = handler


class ADC:
    ATTN_0DB, ATTN_2_5DB, ATTN_6DB, ATTN_11DB = 0, 1, 2, 3

    def __init__(self, pin, *, atten=0):
        self._number = pin._number

    def read_uv(self):
        return _microvolts[self._number]

    def read_u16(self):
        return min(65535, _microvolts[self._number] * 65535 // 3300000)


class WDT:
    timeouts = []
    feeds = 0

    def __init__(self, id=0, timeout=5000):
        if timeout < 1:
            raise ValueError("timeout")
        WDT.timeouts.append(timeout)

    def feed(self):
        WDT.feeds += 1


def reset_cause():
    return PWRON_RESET


def unique_id():
    return b"\x24\x0a\xc4\x00\x00\x01"


def _drive(number, level):
    before = _levels[number]
    _driven[number] = 1
    _levels[number] = level
    rising = level and not before and _triggers[number] & Pin.IRQ_RISING
    falling = before and not level and _triggers[number] & Pin.IRQ_FALLING
    if (rising or falling) and _handlers[number]:
        try:
            micropython.schedule(_handlers[number], _objects[number])
        except RuntimeError:
            pass  # a full scheduler queue drops edges without a word, as on ESP32


def _obey(driver):
    while True:
        line = driver.readline()
        if not line:
            os.system("kill -9 $PPID")  # nobody holds the board any more
        what, *numbers = line.split()
        if what == b"pin":
            _drive(int(numbers[0]), int(numbers[1]))
        elif what == b"adc":
            _microvolts[int(numbers[0])] = int(numbers[1])
        elif what == b"wifi":
            air[0] = int(numbers[0])
        _tell("done %s\n" % str(line, "ascii").strip())


def _tell(line):
    if _driver:
        _driver.write(line)


for _pair in (os.getenv("SIM_MILLIVOLTS") or "").split(","):
    if _pair:
        _pin, _value = _pair.split(":")
        _microvolts[int(_pin)] = int(float(_value) * 1000)

_driver = None
if os.getenv("SIM_CONTROL"):
    _host, _port = os.getenv("SIM_CONTROL").split(":")
    _driver = socket.socket()
    _driver.connect(socket.getaddrinfo(_host, int(_port))[0][-1])
    _thread.start_new_thread(_obey, (_driver,))
