"""A door: from the entry at its reader to the lock, by the rules (DESIGN section 6).

Only an entry that the board itself judged good can open; GuardianKey's verdict may still keep the
door shut. Whatever fails, the door stays shut. What was typed is told to nobody.
"""

from warden.attempts import NO_VERDICT
from warden.counters import CountersError

_VERDICT_MS = 4000  # from the end of the entry
_HASH_MS = 10  # a slice of the slow hash: the loop keeps its rhythm

_UNKNOWN = "unknown"
_LOCKOUT = "lockout"
_LOCKDOWN = "lockdown"
_REMOVED = "removed"


class Door:
    """Judges one entry at a time; those that come meanwhile count as `missed`.

    `settings` is config's `access`. `attempts` may be None: no verdict ever comes then.
    `report(type, params, uptime)` takes the event.
    """

    def __init__(self, settings, reader, access, lockout, attempts, lock, clock, report):
        self._name = settings["name"]
        self._opening = ["ACCEPT", "NOTIFY"]
        if settings["hard_notify"] == "open":
            self._opening.append("HARD_NOTIFY")
        if settings["no_verdict"] == "open":
            self._opening.append(NO_VERDICT)
        self._reader = reader
        self._access = access
        self._lockout = lockout
        self._attempts = attempts
        self._lock = lock
        self._clock = clock
        self._report = report
        self._missed = 0
        self._forget()

    @property
    def missed(self):
        """Entries that were garbled, or came while another was judged."""
        return self._missed + self._reader.missed

    @property
    def hashing(self):
        """Is there work for the processor?"""
        return self._hasher is not None

    def tick(self):
        """One step. An error shuts the door and ends the judgement, as a failed attempt."""
        try:
            if self._access.lockdown and self._lock.is_open:
                self._lock.shut()
            entry = self._reader.tick()
            if entry and self._waiting:
                self._begin(entry)
            elif entry:
                self._missed += 1
            hasher = self._hasher
            if hasher:
                self._hash(hasher)
            elif not self._waiting:
                self._await()
        except Exception:
            self._lock.shut()
            if self._hasher:
                self._lockout.failed()
            attempt = self._attempt
            self._forget()
            if attempt:
                self._attempts.close()
            raise

    def _forget(self):
        self._waiting = True  # for an entry
        self._entered_at = 0  # ticks
        self._uptime = 0
        self._hasher = None
        self._digest = None
        self._holder = ("", "")
        self._reason = None
        self._attempt = 0

    def _begin(self, entry):
        self._waiting = False
        self._entered_at = self._clock.ticks()
        self._uptime = self._clock.uptime()
        if self._lockout.left_ms():
            self._judged(None, _LOCKOUT)
        else:
            self._hasher = self._access.hasher(entry[0], entry[1])

    def _hash(self, hasher):
        self._digest = hasher.step(_HASH_MS)
        if self._digest is None:
            return
        holder = self._access.lookup(self._digest)
        if holder is None:
            self._lockout.failed()
            reason = _UNKNOWN
        elif self._access.lockdown:
            reason = _LOCKDOWN
        else:
            self._lockout.succeeded()
            reason = None
        self._hasher = None
        self._judged(holder, reason)

    def _judged(self, holder, reason):
        """The board's own judgement is made; without a reason against it, the entry is good."""
        self._holder = holder or (self._name, "")
        self._reason = reason
        if self._attempts is not None:
            user, email = self._holder
            try:
                self._attempt = self._attempts.start(user, email, reason is not None, self._uptime)
            except CountersError as error:
                print("guardiankey: no event:", error)

    def _await(self):
        verdict = self._attempts.verdict() if self._attempt else NO_VERDICT
        if verdict is None:
            if self._clock.since(self._entered_at) < _VERDICT_MS:
                return
            verdict = NO_VERDICT
        self._decide(verdict)

    def _decide(self, verdict):
        if self._reason is None:
            self._reason = self._objection()
        opened = self._reason is None and verdict in self._opening
        if opened:
            self._lock.open()
        if self._attempt:
            self._attempts.close()
        self._tell(verdict, opened)
        self._forget()

    def _objection(self):
        """What changed while the verdict was awaited, None if the entry is still good."""
        if self._access.lockdown:
            return _LOCKDOWN
        if self._access.lookup(self._digest) != self._holder:
            return _REMOVED
        return None

    def _tell(self, verdict, opened):
        user = self._holder[0]
        params = {
            "user": user,
            "granted": self._reason is None,
            "opened": opened,
            "verdict": verdict,
            "attempt": self._attempt,
        }
        why = "no verdict" if verdict == NO_VERDICT else verdict
        if self._reason:
            params["reason"] = self._reason
            why = self._reason + ", " + why
        print("door: %s %s (%s)" % ("opened for" if opened else "refused", user, why))
        self._report("lock_activate", params, self._uptime)
