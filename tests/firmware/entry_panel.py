"""MicroPython: a keypad, a badge reader and a lock on the simulated board, without the rest.

Tells every entry on its console, opens the lock for a good one, and says what its RTC says.
"""

import json
import sys
from time import sleep_ms

sys.path.append(sys.argv[0].rpartition("/tests/")[0] + "/firmware")

from machine import RTC
from warden.clock import Clock
from warden.keypad import Keypad
from warden.lock import Lock
from warden.wiegand import Wiegand

with open("config.json") as file:
    access = json.load(file)["access"]
clock = Clock()
keypad = Keypad(access["keypad"], clock)
reader = Wiegand(access["wiegand"], clock)
lock = Lock(access["lock"], clock)
print("boot 1", json.dumps(RTC().datetime()))
while True:
    entry = keypad.tick() or reader.tick()
    if entry:
        print("%s %s, missed %d %d" % (entry + (keypad.missed, reader.missed)))
        if entry == ("code", "1234"):
            lock.open()
    lock.tick()
    clock.tick()
    sleep_ms(10)
