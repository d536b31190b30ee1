"""Wires the parts and runs the one loop: sense, keep, talk."""

import gc
import sys
from time import sleep_ms

import machine

import warden
from warden import VERSION, rtc
from warden.clock import Clock
from warden.counters import Counters, CountersError
from warden.frames import Codec
from warden.inputs import build
from warden.queue import Queue
from warden.session import Session
from warden.settings import ConfigError
from warden.spool import Spool

_TICK_MS = 10
_BUSY_MS = 1  # a person waits for a door's slow hash, or a UART is read and written
_BEGIN_AGAIN_MS = 5000
_RESETS = ("PWRON_RESET", "HARD_RESET", "WDT_RESET", "DEEPSLEEP_RESET", "SOFT_RESET")
_UPLOAD_MS = 600000  # for mpremote after Ctrl-C: a started watchdog cannot be stopped


class App:
    """The running board; in each `step` every part takes its turn without waiting."""

    def __init__(self, settings):
        codec = Codec(settings.device, settings.key)  # first: it wants kilobytes in one piece
        self.clock = Clock()
        self._settings = settings
        link = _link(settings, self.clock)
        self._serial = link if settings.agent == "serial" else None
        self.access = None
        if settings.access:
            from warden.access_point import AccessPoint

            self.access = AccessPoint(settings, self.clock, self._capture, self._client_ip)
        self.counters = Counters()
        self._spool = Spool("spool")
        self.queue = Queue(self.counters, self._spool, self.clock)
        self.inputs = build(settings, self.clock, self._capture)
        self.modules = None
        if settings.functions:
            from warden.user_modules import UserModules

            self.modules = UserModules(settings.functions, self.clock, self._capture)
            self.inputs.append(self.modules)
        self.wifi = None
        if settings.ssid is not None:
            from warden.wifi import Wifi

            self.wifi = Wifi(settings.ssid, settings.password, settings.device, self.clock)
        self.session = Session(
            codec,
            self.counters,
            self.queue,
            self.clock,
            link,
            self.health,
            settings.poll_s * 1000,
            _extras(settings, self.access, self.modules),
        )
        self._converse = self._talk
        self._is_rtc_set = False
        self._parts = [part.tick for part in self.inputs]
        if self.wifi:
            self._parts.append(self.wifi.tick)
        self._parts.append(self.queue.tick)
        if self.access:
            self._parts += self.access.parts
        if self._serial:
            self._serial.on_nudge = self.session.nudge
            self._parts.append(self._serial.tick)
        self._begin_at = None
        self._last_step = self.clock.ticks()
        self._worst_gap = 0
        self.failures = 0

    def step(self):
        """One round. An error in one part is told and counted; the others go on."""
        self._worst_gap = max(self._worst_gap, self.clock.since(self._last_step))
        self._last_step = self.clock.ticks()
        self.clock.tick()
        if self.access:
            self.access.lock.tick()
        if self.counters.boot:
            for part in self._parts:
                self._run(part)
            self._run(self._converse)
        elif self._begin_at is None or self.clock.since(self._begin_at) >= _BEGIN_AGAIN_MS:
            self._run(self._begin)

    def pause_ms(self):
        """How long the loop may rest before the next round."""
        hashing = self.access and self.access.door.hashing
        talking = self._serial and self._serial.busy
        return _BUSY_MS if hashing or talking else _TICK_MS

    def shut(self):
        """Leave no door open, and no event in RAM."""
        if self.access:
            self.access.lock.shut()
        if self.modules:
            self._run(self.modules.tick)
        self.queue.keep()

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
        if self.access:
            self.access.add_health(health)
        return health

    def _client_ip(self):
        address = self._settings.guardiankey.client_ip
        return address or (self.wifi and self.wifi.address()) or "127.0.0.1"

    def _talk(self):
        self.session.tick(self._serial or not self.wifi or self.wifi.up)
        if not self._is_rtc_set:
            now = self.clock.unix_ms(self.clock.uptime())
            if now is not None:
                self._is_rtc_set = True
                rtc.set(now)

    def _begin(self):
        self._begin_at = self.clock.ticks()
        try:
            self.counters.load()
            self.counters.start(self._settings.boot_floor, self.queue.recover())
            print("boot %d, %d events waiting" % (self.counters.boot, len(self.queue)))
            if self.modules:
                self.modules.start()  # last: they may take what heap is left, and report events
        except CountersError as error:
            print("not sending:", error)

    def _capture(self, kind, params, uptime):
        event_id = self.queue.capture(kind, params, uptime)
        if event_id:
            print("captured %d:%d %s %s" % (event_id + (kind, params)))

    def _run(self, part):
        try:
            part()
        except Exception as error:
            self.failures += 1
            gc.collect()
            sys.print_exception(error)


def _link(settings, clock):
    # Only the one in use: that over HTTP comes with a thread.
    if settings.agent == "serial":
        from warden.link_serial import SerialLink

        return SerialLink(clock)
    from warden.link_http import HttpLink

    return HttpLink(settings.agent)


def _extras(settings, access, modules):
    extras = list(access.extras) if access else []
    if settings.commands or modules:
        from warden.commands import Commands

        extras.append(Commands(settings.commands, modules=modules))
    return extras


def _reset_cause():
    cause = machine.reset_cause()
    for name in _RESETS:
        if getattr(machine, name) == cause:
            return name[:-6].lower()
    return "unknown"


def load_settings(directory=""):
    """The Settings of `<directory>config.json`. The code that checked them is needed no more: it is
    forgotten, a tenth of the heap."""
    needed = list(sys.modules)
    from warden import config

    try:
        return config.load(directory)
    finally:
        for name in list(sys.modules):
            if name not in needed and name.startswith("warden."):
                delattr(warden, name[7:])
                # Whatever looks like a reference to it would keep all of it.
                sys.modules.pop(name).__dict__.clear()


def main(directory=""):
    """Run until Ctrl-C; anything else that ends it leaves the watchdog to start the board anew.

    `directory`, "" or one like "a/", holds config.json. A bad configuration is told, and leaves
    the prompt for repair. Whatever ends it shuts the lock and keeps the queue.
    """
    print("ThingWarden", VERSION)
    watchdog = app = None
    try:
        settings = load_settings(directory)
        if settings.watchdog_s:
            watchdog = machine.WDT(timeout=settings.watchdog_s * 1000)
        app = App(settings)
        while True:
            app.step()
            if watchdog and not app.session.stuck():
                watchdog.feed()
            sleep_ms(app.pause_ms())
    except ConfigError as error:
        print("config.json:", error)
    except KeyboardInterrupt:
        print("stopped")
    finally:
        if app:
            app.shut()
    if watchdog:
        machine.WDT(timeout=_UPLOAD_MS)
