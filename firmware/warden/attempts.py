"""Access attempts as GuardianKey events: live while a door waits for the verdict, else late.

A late attempt is kept as its facts in a spool and sent for the record when nothing live is due,
oldest first. Its number and time stay what they were, so that any retry is the same event.
"""

import json
import struct

from esp32 import NVS

from warden import rtc
from warden.counters import CountersError
from warden.spool import SpoolFull

NO_VERDICT = "none"

_VERDICTS = ("ACCEPT", "NOTIFY", "HARD_NOTIFY", "BLOCK")
_PAUSE_MS = 60000
_READ = 2048
_NOTE = "<2QL"  # settled, accounted, damaged


class Attempt:
    """The facts of one attempt; `unix_ms` is 0 while the time is unknown."""

    def __init__(self, sequential, unix_ms, uptime, user, email, failed, client_ip):
        self.sequential = sequential
        self.unix_ms = unix_ms
        self.uptime = uptime
        self.user = user
        self.email = email
        self.failed = failed
        self.client_ip = client_ip

    def record(self):
        """The attempt as a line of the spool: Attempt(*json.loads(line)) is the way back."""
        facts = (self.sequential, self.unix_ms, self.uptime, self.user, self.email, self.failed)
        return json.dumps(facts + (self.client_ip,)).encode()


class Attempts:
    """Gives attempts to `route`, one at a time; `client_ip()` tells where they come from.

    `len` is how many wait to be sent late, `discards` how many are lost: no room for them, refused
    by GuardianKey, or under way when the power was cut.
    """

    def __init__(self, guardiankey, sequence, route, clock, spool, client_ip, nvs=None):
        self._guardiankey = guardiankey
        self._sequence = sequence
        self._route = route
        self._clock = clock
        self._spool = spool
        self._client_ip = client_ip
        self._nvs = nvs or NVS("attempts")
        self._first = None  # number of this run's first attempt
        self._asked = None  # number of the attempt whose verdict is awaited
        self._verdict = None
        self._live = None  # to be handed to the route
        self._sent = None  # on the route
        self._oldest = None  # of the spool, once it was read
        self._after_oldest = None
        self._paused_at = None
        self.discards = 0
        self._settled = 0  # number of the last late attempt that is done with
        self._accounted = 0  # up to this number every attempt is at GuardianKey, spooled or counted
        self._damaged = 0  # lines of the spool that are counted as lost already
        self._late = self._recover()

    def __len__(self):
        return self._late

    def start(self, user, email, failed, uptime):
        """An attempt that happened at `uptime`: its number.

        CountersError if no number could be made durable: there is no event then.
        """
        sequential = self._sequence.next()
        if self._first is None:
            self._first = sequential
        unix_ms = self._when(uptime)
        attempt = Attempt(sequential, unix_ms or 0, uptime, user, email, failed, self._client_ip())
        self._asked = sequential
        if unix_ms is None:
            self._verdict = NO_VERDICT
            self._keep(attempt)
        else:
            self._verdict = None
            self._live = attempt
        return sequential

    def verdict(self):
        """On the attempt started last: ACCEPT, NOTIFY, HARD_NOTIFY, BLOCK or NO_VERDICT; None
        while it may still come."""
        return self._verdict

    def close(self):
        """The door has decided: nobody waits for that verdict any more."""
        self._asked = None
        live, self._live = self._live, None
        if live:
            self._keep(live)

    def tick(self):
        """Take what came of the attempt under way, or send one. Never waits."""
        answer = self._route.take()
        if answer:
            self._answered(answer[0], answer[1], answer[2])
        if self._live:
            if self._route.idle():
                live, self._live = self._live, None
                self._hand_over(live, True)
        elif self._late and self._asked is None and not self._sent and self._late_is_due():
            self._hand_over(self._oldest, False)

    def _answered(self, sequential, response, retry):
        sent = self._sent
        if not sent or sequential != sent.sequential:
            return  # a late one that made way for a live one; it is still in the spool
        self._sent = None
        if sequential == self._asked:
            self._verdict = response if response in _VERDICTS else NO_VERDICT
        if response == "ERROR" and retry:
            self._again(sent)
            return
        if response == "ERROR":
            self._give_up(sent, "GuardianKey does not take it")
        elif sent is self._oldest:
            self._settle(sent)
        else:
            self._account(sent)

    def _hand_over(self, attempt, ask):
        try:
            message = self._guardiankey.message(
                attempt.unix_ms // 1000,
                attempt.user,
                attempt.failed,
                attempt.sequential,
                attempt.client_ip,
                attempt.email,
                longest=self._route.longest,
            )
            self._sent = attempt
            self._route.send(attempt.sequential, message, ask)
        except Exception as error:
            self._sent = None
            if ask:
                self._verdict = NO_VERDICT
            if isinstance(error, ValueError):
                self._give_up(attempt, error)  # no event, now or ever; others wait behind it
            else:
                self._again(attempt)
            raise

    def _again(self, attempt):
        """It is not at GuardianKey: send it later."""
        if attempt is self._oldest:
            self._paused_at = self._clock.ticks()
        else:
            self._keep(attempt)

    def _give_up(self, attempt, why):
        self._discard(attempt, why)
        if attempt is self._oldest:
            self._settle(attempt)
        else:
            self._account(attempt)

    def _keep(self, attempt):
        sent = self._sent
        if sent and sent is not self._oldest and sent.sequential < attempt.sequential:
            self._sent = None  # the spool is in the order of the numbers: see `_settle`
            self._keep(sent)
        try:
            self._spool.append([attempt.record()])
            self._late += 1
        except SpoolFull as error:
            self._discard(attempt, error)
        self._account(attempt)

    def _late_is_due(self):
        """Is it time to send the oldest late attempt? It is in `_oldest` then."""
        if self._paused_at is not None:
            if self._clock.since(self._paused_at) < _PAUSE_MS:
                return False
            self._paused_at = None
        if not self._route.idle():
            return False
        if self._oldest is None:
            self._read_oldest()
        oldest = self._oldest
        if oldest and not oldest.unix_ms:
            oldest.unix_ms = self._when(oldest.uptime if self._is_ours(oldest) else None) or 0
        return oldest is not None and oldest.unix_ms != 0

    def _is_ours(self, attempt):
        """Was it captured in this run, whose uptime we know?"""
        return self._first is not None and attempt.sequential >= self._first

    def _when(self, uptime):
        """Unix ms of a moment of this run, None for now; None if the time is not known."""
        now = self._clock.uptime()
        if uptime is None:
            uptime = now
        unix_ms = self._clock.unix_ms(uptime)
        if unix_ms is None:
            unix_ms = rtc.now_ms()
            if unix_ms is not None:
                unix_ms -= now - uptime
        return unix_ms

    def _read_oldest(self):
        for record, position in self._spool.read(self._spool.head, _READ):
            if record:
                self._oldest = Attempt(*json.loads(record))
                self._after_oldest = position
                return
        print("guardiankey:", self._late, "late attempts did not read back")
        self.discards += self._late
        self._late = 0
        self._spool.clear()

    def _settle(self, attempt):
        """The oldest late attempt is done with, also after a restart."""
        self._oldest = None
        self._spool.drop(self._after_oldest)
        self._late -= 1
        self._settled = attempt.sequential
        self._note()

    def _account(self, attempt):
        """The attempt is no longer in RAM alone."""
        if attempt.sequential > self._accounted:
            self._accounted = attempt.sequential
            self._note()

    def _note(self):
        if not self._spool:
            self._damaged = 0  # they went with it
        note = struct.pack(_NOTE, self._settled, self._accounted, self._damaged)
        try:
            self._nvs.set_blob("sent", note)
            self._nvs.commit()
        except OSError as error:
            print("guardiankey: cannot note in NVS what was sent:", error)

    def _discard(self, attempt, why):
        self.discards += 1
        print("guardiankey: attempt %d is lost: %s" % (attempt.sequential, why))

    def _recover(self):
        """Pass over what was settled in earlier runs; how many late attempts are left."""
        note = bytearray(struct.calcsize(_NOTE))
        try:
            self._nvs.get_blob("sent", note)
        except OSError:
            pass  # none yet; or unreadable, then some are sent and counted twice
        self._settled, self._accounted, counted = struct.unpack(_NOTE, note)
        late = 0
        position = self._spool.head
        passed = None
        while True:
            found = self._spool.read(position, _READ)
            if not found:
                break
            for record, position in found:
                if record is None:
                    self._damaged += 1
                    continue
                sequential = json.loads(record)[0]
                self._accounted = max(self._accounted, sequential)
                if sequential > self._settled:
                    late += 1
                else:
                    passed = position
        if passed:
            self._spool.drop(passed)
        self.discards += max(0, self._damaged - counted)
        if self._damaged != counted:
            self._note()
        self._count_lost()
        return late

    def _count_lost(self):
        """What an earlier run had in RAM alone when it ended."""
        try:
            last = self._sequence.last()
        except CountersError:
            return
        if last > self._accounted:
            print("guardiankey: %d attempts were cut off" % (last - self._accounted))
            self.discards += last - self._accounted
            self._accounted = last
            self._note()
