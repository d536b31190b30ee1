"""Events from capture to ack: new ones in RAM, those not acked within 2 s on flash, oldest first.

Bounded; when there is no room the newest is refused, counted and reported (`Counters.discards`).
"""

import gc
import json
import math

from warden.counters import CountersError
from warden.spool import SpoolFull

BODY_LIMIT = 1024

_RAM_BYTES = 8192
_SPILL_MS = 2000
_SETTLE_MS = 5000
_READ = 2048
_VALUES = (str, int, float, bool)


class Event:
    """One captured event: its number, the boot it was captured in, when it happened, its JSON."""

    def __init__(self, boot, seq, unix_ms, uptime, body):
        self.boot = boot
        self.seq = seq
        self.unix_ms = unix_ms
        self.uptime = uptime
        self.body = body
        self.captured = 0  # ticks

    def record(self):
        """The event as a line of the spool; `parse` is the way back."""
        return b"%d %d %d %d %s" % (self.boot, self.seq, self.unix_ms, self.uptime, self.body)


def parse(record):
    """The event of a spool record."""
    boot, seq, unix_ms, uptime, body = record.split(b" ", 4)
    return Event(int(boot), int(seq), int(unix_ms), int(uptime), body)


class Queue:
    """Owns the order and the identity of events; only the main loop may call it."""

    def __init__(self, counters, spool, clock, limit=64):
        self._counters = counters
        self._spool = spool
        self._clock = clock
        self._limit = limit
        self._ram = []
        self._ram_bytes = 0
        self._spooled = 0
        self._damaged = 0  # lines that did not read back at start and are still there
        self._done = 0  # the number of the last event that was acked
        self._refused_at = None  # ticks, while the flash refuses
        self._busy_at = clock.ticks()

    def recover(self):
        """Count what an earlier run left on flash; the highest event number there, 0 if none."""
        last = self._damaged = self._spooled = 0
        position = self._spool.head
        acked = None
        while True:
            found = self._spool.read(position, _READ)
            if not found:
                break
            for record, position in found:
                event = record and parse(record)
                if not event:
                    self._damaged += 1
                elif event.seq <= self._counters.acked:
                    acked = position
                    self._done = event.seq
                elif event.seq > last:
                    self._spooled += 1
                if event:
                    last = max(last, event.seq)
        if acked:
            self._spool.drop(acked)
        if self._damaged:
            print(self._damaged, "lines of the spool do not read back")
        return last

    def __len__(self):
        return len(self._ram) + self._spooled

    def capture(self, kind, params, uptime):
        """Take an event that happened at `uptime`: its (boot, seq), None if it was discarded."""
        try:
            try:
                return self._capture(kind, params, uptime)
            except MemoryError:
                gc.collect()
                return self._capture(kind, params, uptime)
        except (ValueError, SpoolFull, CountersError, MemoryError) as error:
            self._counters.discards += 1
            print("discarded", kind, "-", error)
            return None

    def write(self, buffer, at, capacity):
        """Write the oldest events into `buffer` from `at` on, as JSON texts with commas between.

        At most `capacity` bytes. Returns (where they end, the id of the last or None).
        """
        end = at
        last = None
        for event in self._oldest(capacity):
            text = self._text(event)
            if end + len(text) + 1 - at > capacity:
                break
            if last:
                buffer[end : end + 1] = b","
                end += 1
            buffer[end : end + len(text)] = text
            end += len(text)
            last = self._id(event)
        return end, last

    def ack(self, event_id):
        """Everything up to `event_id` is durable at the agent: forget it."""
        while self._spooled and self._ack_spooled(event_id):
            pass
        while self._ram and self._id(self._ram[0]) <= event_id:
            event = self._ram.pop(0)
            self._ram_bytes -= len(event.body)
            self._done = event.seq

    def tick(self):
        """Spill what has waited too long; hand back reserved numbers when all is quiet."""
        clock = self._clock
        if self._refused_at is not None and clock.since(self._refused_at) >= _SPILL_MS:
            self._refused_at = None
        if self._ram:
            if self._refused_at is None and clock.since(self._ram[0].captured) >= _SPILL_MS:
                try:
                    self._spill()
                except SpoolFull as error:
                    print("events stay in RAM:", error)
        elif clock.since(self._busy_at) >= _SETTLE_MS:
            self._busy_at = clock.ticks()
            try:
                self._counters.settle()
            except CountersError as error:
                print(error)

    def keep(self):
        """Put what waits in RAM on flash and hand back reserved numbers: the program ends."""
        if not self._counters.boot:
            return
        is_whole = not self._ram or self._ram[-1].seq
        if not is_whole:
            self._ram.pop()  # Ctrl-C struck before it had its number: one of the gaps
        try:
            if self._ram:
                self._spill()
            if is_whole:
                self._counters.settle()
        except (SpoolFull, CountersError) as error:
            print("events may be lost:", error)

    def _capture(self, kind, params, uptime):
        body = _body(kind, params)
        if len(self._ram) >= self._limit or self._ram_bytes + len(body) > _RAM_BYTES:
            if self._refused_at is not None:
                raise SpoolFull("the flash refused just now")  # a full one takes its time for that
            self._spill()
        if not self._counters.boot:
            raise ValueError("the boot counter is not started")
        event = Event(self._counters.boot, 0, self._clock.unix_ms(uptime) or 0, uptime, body)
        before = self._ram[0].seq - 1 if self._ram else self._counters.seq
        self._ram.append(event)  # first: a number that was given must not be lost for want of room
        try:
            event.seq = self._counters.next_seq(before)
        except (CountersError, MemoryError):
            self._ram.pop()
            raise
        self._ram_bytes += len(body)
        event.captured = self._busy_at = self._clock.ticks()
        return event.boot, event.seq

    def _oldest(self, capacity):
        if not self._spooled:
            return self._ram
        events = []
        last = self._done
        for record, _ in self._spool.read(self._spool.head, capacity):
            event = record and parse(record)
            if event and event.seq > last:
                last = event.seq
                events.append(event)
        if not events:
            self._give_up_spool()
            return self._ram
        return events + self._ram if len(events) == self._spooled else events

    def _give_up_spool(self):
        """What is counted as spooled does not read back any more."""
        print(self._spooled, "spooled events did not read back")
        self._counters.discards += self._spooled
        self._spooled = 0
        self._spool.clear()

    def _ack_spooled(self, event_id):
        position = None
        for record, after in self._spool.read(self._spool.head, _READ):
            event = record and parse(record)
            if event and self._id(event) > event_id:
                break
            position = after
            if not event and self._damaged:
                self._damaged -= 1
                self._counters.discards += 1
            if event and event.seq > self._done:
                self._done = event.seq
                self._spooled -= 1
        if position:
            self._spool.drop(position)
            self._refused_at = None  # there may be room now
            try:
                self._counters.ack(self._done)
            except CountersError as error:
                print(error)
        return position

    def _spill(self):
        for event in self._ram:
            event.unix_ms = event.unix_ms or self._clock.unix_ms(event.uptime) or 0
        try:
            self._spool.append([event.record() for event in self._ram])
        except SpoolFull:
            self._refused_at = self._clock.ticks()
            raise
        self._spooled += len(self._ram)
        self._ram = []
        self._ram_bytes = 0

    def _id(self, event):
        return self._counters.event_id(event.boot, event.seq)

    def _text(self, event):
        if event.unix_ms:
            when = b',"t":%d' % event.unix_ms
        elif event.boot >= self._counters.started_as:
            when = b',"age":%d' % (self._clock.uptime() - event.uptime)
        else:
            when = b""
        return b'{"id":[%d,%d]%s,%s}' % (self._id(event) + (when, event.body))


def _body(kind, params):
    for name, value in params.items():
        if type(value) not in _VALUES:  # a subclass may write itself as what is no JSON
            raise ValueError("%s is no string, number or bool" % name)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("%s is not finite" % name)
    text = '"type":%s,"params":%s' % (json.dumps(kind), json.dumps(params))
    body = text.encode()
    if len(body) > BODY_LIMIT:
        raise ValueError("longer than %d bytes" % BODY_LIMIT)
    return body
