"""The numbers that must survive a reset, as one record in NVS.

A full file system refuses writes while NVS still takes them, and NVS spreads the wear.
"""

import struct

from esp32 import NVS

_FORMAT = "<7I"
_NOT_FOUND = -0x1102  # ESP_ERR_NVS_NOT_FOUND
_BLOCK = 16


class CountersError(Exception):
    """The counters cannot be read or kept; nothing may be sent under them."""


class Counters:
    """Boot counter, event numbers and loss counts of this board.

    `seq` never restarts; a number is reserved in NVS before it is used, `_BLOCK` at a time. What
    was reserved but is neither acked nor on flash after a reset counts as `gaps`: so many events
    at the most were lost. `discards` counts events refused for want of room or a usable value.
    """

    def __init__(self, nvs=None):
        self.boot = 0
        self.started_as = 0
        self.rebase = 0
        self.seq = 0
        self.reserved = 0
        self.settled = 0
        self.acked = 0
        self.gaps = 0
        self.discards = 0
        self._last_boot = 0
        self._saved_discards = 0
        self._nvs = nvs or NVS("warden")

    def load(self):
        """Take up what an earlier run kept. CountersError if NVS cannot be read."""
        record = bytearray(struct.calcsize(_FORMAT))
        try:
            self._nvs.get_blob("counters", record)
        except OSError as error:
            if error.args[0] != _NOT_FOUND:
                raise CountersError("cannot read the counters in NVS: %s" % error) from None
        (
            self._last_boot,
            self.rebase,
            self.reserved,
            self.settled,
            self.acked,
            self.gaps,
            self._saved_discards,
        ) = struct.unpack(_FORMAT, record)

    def start(self, floor, stored_seq):
        """Begin a new boot above `floor`; `stored_seq` is the highest number on flash, 0 if none.

        CountersError if that cannot be made durable: begin again with `load`.
        """
        known = max(self.settled, stored_seq)
        self.gaps += max(0, self.reserved - known)
        self.seq = self.reserved = self.settled = max(self.reserved, known)
        discards = self.discards
        self.discards += self._saved_discards
        self.boot = max(self._last_boot, floor) + 1
        try:
            self._save()
        except CountersError:
            self.boot = 0
            self.discards = discards
            raise
        self.started_as = self.boot

    def next_seq(self, settled):
        """A fresh event number; everything up to `settled` is acked or on flash by now."""
        if self.seq == self.reserved:
            self.reserved += _BLOCK
            self.settled = settled
            try:
                self._save()
            except CountersError:
                self.reserved -= _BLOCK
                raise
        self.seq += 1
        return self.seq

    def settle(self):
        """Every number given so far is accounted for; unused reserved ones are handed back."""
        if self.reserved != self.seq or self.discards != self._saved_discards:
            self.reserved = self.settled = self.seq
            self._save()

    def ack(self, seq):
        """The agent has every event up to `seq`: kept, so that a reset does not send them anew."""
        if seq > self.acked:
            self.acked = seq
            self._save()

    def go_on_above(self, boot):
        """The agent knows a later boot than ours: continue above it, unacked events included."""
        before = self.boot, self.rebase
        self.boot = self.rebase = max(boot, self.boot) + 1
        try:
            self._save()
        except CountersError:
            self.boot, self.rebase = before
            raise

    def event_id(self, boot, seq):
        """The identity under which an event captured as (boot, seq) is reported."""
        return (max(boot, self.rebase), seq)

    def _save(self):
        record = struct.pack(
            _FORMAT,
            self.boot,
            self.rebase,
            self.reserved,
            self.settled,
            self.acked,
            self.gaps,
            self.discards,
        )
        try:
            self._nvs.set_blob("counters", record)
            self._nvs.commit()
        except OSError as error:
            raise CountersError("cannot keep the counters in NVS: %s" % error) from None
        self._saved_discards = self.discards
