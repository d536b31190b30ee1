"""Wires the parts and runs the one loop: sense, keep, talk."""

import gc
import sys
from time import sleep_ms, ticks_diff, ticks_ms

import machine

from warden import VERSION, config
from warden.clock import Clock
from warden.counters import Counters, CountersError
from warden.frames import Codec
from warden.inputs import build
from warden.link_http import HttpLink
from warden.queue import Queue
from warden.session import Session
from warden.spool import Spool
from warden.wifi import Wifi

_TICK_MS = 10
_BEGIN_AGAIN_MS = 5000
_RESETS = ("PWRON_RESET", "HARD_RESET", "WDT_RESET", "DEEPSLEEP_RESET", "SOFT_RESET")
_UPLOAD_MS = 600000  # for mpremote after Ctrl-C: a started watchdog cannot be stopped


class App:
    """The running board; in each `step` every part takes its turn without waiting."""

    def __init__(self, settings):
        self.clock = Clock()
        self.counters = Counters()
        self._settings = settings
        self._spool = Spool("spool")
        self.queue = Queue(self.counters, self._spool, self.clock)
        self.inputs = build(settings, self.clock, self._capture)
        self.wifi = None
        if settings.ssid is not None:
            self.wifi = Wifi(settings.ssid, settings.password, settings.device, self.clock)
        self.session = Session(
            Codec(settings.device, settings.key),
            self.counters,
            self.queue,
            self.clock,
            HttpLink(settings.agent),
            self.health,
            settings.poll_s * 1000,
        )
        self._talk = self.session.tick
        self._parts = [part.tick for part in self.inputs]
        if self.wifi:
            self._parts.append(self.wifi.tick)
        self._parts.append(self.queue.tick)
        self._begin_at = 0
        self._last_step = ticks_ms()
        self._worst_gap = 0
        self.failures = 0

    def step(self):
        """One round; True if all went well. An error in one part is told and counted."""
        now = ticks_ms()
        self._worst_gap = max(self._worst_gap, ticks_diff(now, self._last_step))
        self._last_step = now
        if not self.counters.boot:
            self._begin()
        healthy = True
        for part in self._parts:
            healthy &= self._run(part)
        if self.counters.boot and (not self.wifi or self.wifi.up):
            healthy &= self._run(self._talk)
        return healthy and not self.session.stuck()

    def health(self):
        """What the board says of itself in a report."""
        gc.collect()
        gap, self._worst_gap = self._worst_gap, 0
        health = {
            "version": VERSION,
            "uptime_s": self.clock.uptime() // 1000,
            "heap": gc.mem_free(),
            "reset": _reset_cause(),
            "queue": len(self.queue),
            "discards": self.counters.discards,
            "gaps": self.counters.gaps,
            "missed": sum([part.missed for part in self.inputs]),
            "failures": self.failures,
            "loop_ms": gap,
        }
        if self.wifi:
            health["rssi"] = self.wifi.rssi()
        return health

    def _begin(self):
        now = self.clock.uptime()
        if now < self._begin_at:
            return
        self._begin_at = now + _BEGIN_AGAIN_MS
        try:
            self.counters.load()
            self.counters.start(self._settings.boot_floor, self.queue.recover())
            print("boot %d, %d events waiting" % (self.counters.boot, len(self.queue)))
        except CountersError as error:
            print("not sending:", error)

    def _capture(self, kind, params, uptime):
        event_id = self.queue.capture(kind, params, uptime)
        if event_id:
            print("captured %d:%d %s %s" % (event_id + (kind, params)))

    def _run(self, part):
        try:
            part()
            return True
        except Exception as error:
            self.failures += 1
            sys.print_exception(error)
            gc.collect()
            return False


def _reset_cause():
    cause = machine.reset_cause()
    for name in _RESETS:
        if getattr(machine, name) == cause:
            return name[:-6].lower()
    return "unknown"


def main():
    """Run until Ctrl-C. A bad configuration is told, and leaves the prompt for repair."""
    print("ThingWarden", VERSION)
    try:
        settings = config.load()
        app = App(settings)
    except config.ConfigError as error:
        print("config.json:", error)
        return
    watchdog = None
    if settings.watchdog_s:
        watchdog = machine.WDT(timeout=settings.watchdog_s * 1000)
    try:
        while True:
            if app.step() and watchdog:
                watchdog.feed()
            sleep_ms(_TICK_MS)
    except KeyboardInterrupt:
        print("stopped")
        if watchdog:
            machine.WDT(timeout=_UPLOAD_MS)
