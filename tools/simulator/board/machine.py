"""`machine` of a stock ESP32 on the Unix port, its pins driven over a TCP connection.

SIM_MILLIVOLTS=34:715,... lies on analog inputs at start, SIM_RESET_CAUSE is why there was one.
SIM_CONTROL=host:port names the driver. It hears `pin N LEVEL` whenever an output changes, `wdt MS`
when a watchdog is armed and `fed` at most every 100 ms; it sends lines, answered with `done ...`:
- `pin N LEVEL`: answered when the handler of the edge, if it has one, has run;
- `adc N MICROVOLTS`, `wifi 0|1`;
- `key ROW COLUMN 0|1`: a key connects these two pins; answered when the row was scanned with it;
- `wiegand D0 D1 BITS`: the pulses of a badge reader; answered after the last. The badge is held up
  again if the host was so busy that a pause between handlers ended the frame;
- `sensor PIN NUMBER WHAT THOUSANDTHS`: what a sensor on a data pin (a BME280: SDA) has around it.
  WHAT is temperature, humidity, pressure (degrees Celsius, percent, hPa), plugged (0: unplugged) or
  garbled (1: wrong checksums). NUMBER tells one of several on the pin, 0 to 3: of DS18B20 as in
  `onewire.rom`, of BME280 0 at address 0x76, 1 at 0x77. Number 0 is plugged in at start.
Handlers run as on ESP32: through the scheduler, later, and not at all when its queue is full.
"""

import os
import select
import socket
import time
from array import array

import micropython
from gil import give, start_new_thread, take

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5

_PINS = 40
_SCANNED = 4  # scans that have seen a key: enough to outlast the debouncing
_SCANNED_MS = 1000  # if nobody scans
_HANDLED_MS = 1000  # if the program lets no handler run
_TOLD_MS = 100  # so often the driver hears that the watchdog is fed
_BIT_MS = 4  # slower than a reader: a busy loop on a busy host keeps up
_PAUSE_MS = 50  # ends a frame of a badge reader
_PRESENTED = 20  # times at most
_EXIST = set(range(40)) - {6, 7, 8, 9, 10, 11, 20, 24, 28, 29, 30, 31}
_levels = bytearray(_PINS)
_driven = bytearray(_PINS)
_microvolts = array("q", [0] * _PINS)
_triggers = bytearray(_PINS)
_handlers = [None] * _PINS
_objects = [None] * _PINS
_scheduled = bytearray(1)  # handlers, modulo 256
_handled = bytearray(1)  # of those
_handled_ms = [0, 0]  # the latest one's begin and end
_keys = bytearray(_PINS * _PINS)  # [row * _PINS + column]: pressed; bytes, for two threads use them
_columns = bytearray(_PINS)  # keys pressed in a column
_scans = bytearray(_PINS)  # how often a row was driven low, modulo 256
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
        _objects[number] = self
        self._pull(pull)
        if value is not None:
            _levels[number] = bool(value)
            self._tell_level()

    def init(self, mode=-1, pull=-1):
        if mode != self.IN and self._number >= 34:
            raise ValueError("pin can only be input")
        self._mode = mode
        self._pull(pull)

    def _pull(self, pull):
        if pull == self.PULL_UP and not _driven[self._number]:
            _levels[self._number] = 1

    def value(self, level=None):
        number = self._number
        if level is None:
            return _column(number) if _columns[number] else _levels[number]
        if _levels[number] != bool(level):
            _levels[number] = bool(level)
            self._tell_level()
            if not level:
                _scans[number] = (_scans[number] + 1) & 0xFF
        return None

    def _tell_level(self):
        if self._mode == self.OUT:
            _tell("pin %d %d\n" % (self._number, _levels[self._number]))

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
    _told_ms = 0

    def __init__(self, id=0, timeout=5000):
        if timeout < 1:
            raise ValueError("timeout")
        WDT.timeouts.append(timeout)
        _tell("wdt %d\n" % timeout)

    def feed(self):
        WDT.feeds += 1
        now_ms = time.ticks_ms()
        if time.ticks_diff(now_ms, WDT._told_ms) >= _TOLD_MS:
            WDT._told_ms = now_ms
            _tell("fed\n")


class RTC:
    """A clock that starts right; what is set lasts until the power is cut."""

    _ahead_us = 0

    def datetime(self, moment=None):
        """(year, month, day, weekday, hours, minutes, seconds, microseconds)"""
        now_us = time.time_ns() // 1000
        if moment is None:
            seconds, micros = divmod(now_us + RTC._ahead_us, 1000000)
            year, month, day, hours, minutes, second, weekday, _ = time.gmtime(seconds)[:8]
            return year, month, day, weekday, hours, minutes, second, micros
        year, month, day, _, hours, minutes, second, micros = moment
        seconds = _days(year, month, day) * 86400 + hours * 3600 + minutes * 60 + second
        RTC._ahead_us = seconds * 1000000 + micros - now_us
        return None


def _days(year, month, day):
    """Days from 1970 to a date; mktime is local time here. March comes first, for the leap day."""
    if month < 3:
        year, month = year - 1, month + 12
    leaps = year // 4 - year // 100 + year // 400
    return 365 * year + leaps + (153 * month - 457) // 5 + day - 719469


def reset_cause():
    return int(os.getenv("SIM_RESET_CAUSE") or PWRON_RESET)


def reset():
    os.system("kill -TERM $PPID")


def soft_reset():
    raise SystemExit


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
            micropython.schedule(_handle, number)
        except RuntimeError:
            return  # a full scheduler queue drops edges without a word, as on ESP32
        _scheduled[0] = (_scheduled[0] + 1) & 0xFF


def _handle(number):
    took = take()  # it may interrupt a sleep
    _handled_ms[0] = time.ticks_ms()
    try:
        if _handlers[number]:
            _handlers[number](_objects[number])
    finally:
        _handled_ms[1] = time.ticks_ms()
        _handled[0] = (_handled[0] + 1) & 0xFF
        if took:
            give()


def _wait_for_handlers():
    """An interrupt is quick; the main thread on a busy host is not, and a press could be over."""
    for _ in range(_HANDLED_MS):
        if _handled[0] == _scheduled[0]:
            break
        time.sleep_ms(1)


def _column(number):
    """What a column reads: low if a pressed key connects it with a row that is driven low."""
    for row in range(_PINS):
        if _keys[row * _PINS + number] and not _levels[row]:
            return 0
    return _levels[number]


def _key(row, column, pressed):
    before = _keys[row * _PINS + column]
    _keys[row * _PINS + column] = pressed
    _columns[column] += pressed - before
    scans = _scans[row]
    for _ in range(_SCANNED_MS):
        if (_scans[row] - scans) & 0xFF >= _SCANNED:
            break
        time.sleep_ms(1)


def _wiegand(d0, d1, bits):
    for _ in range(_PRESENTED):
        if _pulses(d0, d1, bits):
            break
        time.sleep_ms(2 * _PAUSE_MS)


def _pulses(d0, d1, bits):
    """All of them, or False after one that was handled too late to be of the same frame."""
    for n, bit in enumerate(bits):
        before_ms = _handled_ms[1]
        wire = d1 if bit == ord("1") else d0
        _drive(wire, 0)
        _drive(wire, 1)
        _wait_for_handlers()
        if n and time.ticks_diff(_handled_ms[0], before_ms) >= _PAUSE_MS:
            return False
        time.sleep_ms(_BIT_MS)
    return True


def _obey(driver):
    poller = select.poll()
    poller.register(driver, select.POLLIN)
    while True:
        poller.poll()
        line = driver.readline()
        if not line:
            os.system("kill -9 $PPID")  # nobody holds the board any more
        what, *numbers = line.split()
        if what == b"pin":
            _drive(int(numbers[0]), int(numbers[1]))
            _wait_for_handlers()
        elif what == b"adc":
            _microvolts[int(numbers[0])] = int(numbers[1])
        elif what == b"wifi":
            air[0] = int(numbers[0])
        elif what == b"key":
            _key(int(numbers[0]), int(numbers[1]), int(numbers[2]))
        elif what == b"wiegand":
            _wiegand(int(numbers[0]), int(numbers[1]), numbers[2])
        elif what == b"sensor":
            import surroundings  # heap that a board without sensors keeps

            what, thousandths = str(numbers[2], "ascii"), int(numbers[3])
            surroundings.obey(int(numbers[0]), int(numbers[1]), what, thousandths)
        _tell("done %s\n" % str(line, "ascii").strip())


def __getattr__(name):
    if name in ("I2C", "SoftI2C"):
        import i2c  # heap that a board without them keeps

        return getattr(i2c, name)
    raise AttributeError(name)


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
    start_new_thread(_obey, (_driver,))
