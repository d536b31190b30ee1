"""The conversation with the agent: one frame in flight, events forgotten only on its ack."""

import json
import random

from warden.counters import CountersError
from warden.frames import FrameError

_BACKOFF_MS = 500
_BACKOFF_CAP_MS = 15000
_WAIT_CAP_MS = 60000  # answers without our seal are hints that anyone could forge
_HEALTH_MS = 60000
_CLOCK_RTT_MS = 2000
_LEAST_ROOM = 512  # for events, while frames fail: a bad line lets only short ones through
_EVENTS, _END = b',"events":[', b"]}"
_STUCK_MS = 300000  # a name look-up has no time-out, but no answer takes this long

# What an extra wants of the session, in rising urgency.
NOTHING = 0
DUE = 1  # a frame, at the session's pace
ALONE = 2  # a frame without events and health: neither a long queue nor a full store delays it
NOW = 3  # such a frame at once, even during a back-off


class Transfer:
    """What became of a frame: HTTP `status` (0: none came), `body`, `retry_s`, `error` text."""

    def __init__(self, status, body, retry_s, error):
        self.status = status
        self.body = body
        self.retry_s = retry_s
        self.error = error


class Session:
    """Sends what is due through `link` and acts on the replies.

    `health()` gives the object that a report carries now and then. The first frames of a run carry
    no events until one is accepted: its reply sets the clock and proves our counters.

    `extras` add to reports, once the first frame was accepted, and read the replies:
    - `wants()`: NOTHING, DUE, ALONE or NOW. Allocates nothing.
    - `fields(room)`: what it adds to this frame, as JSON members, each behind its comma; b"" for
      none. `room` is how many bytes are left, for one that can wait.
    - `read(reply)`: the sealed reply to the last frame, a refusal (`error`) too. True to have the
      next frame sent at once. ValueError tells what is wrong with it; nothing else is affected.
    """

    def __init__(self, codec, counters, queue, clock, link, health, poll_ms, extras=()):
        self._codec = codec
        self._counters = counters
        self._queue = queue
        self._clock = clock
        self._link = link
        self._health = health
        self._poll_ms = poll_ms
        self._extras = extras
        self._more = False
        self._greeted = False
        self._frame = 0
        self._tag = None  # of the frame in flight
        self._last = None  # id of its last event
        self._sent_up_to = (0, 0)
        self._sent_at = clock.ticks()
        self._failed_at = self._sent_at
        self._wait_ms = 0
        self._failures = 0
        self._room = codec.capacity  # for events
        self._due = False
        self._is_nudged = False
        self._health_at = None  # None: due
        self._health_sent = False
        self._state = None

    def tick(self, online=True):
        """One step: take what came back, or send what is due if there is a network. Never waits.

        Offline it notes what becomes due: readings of ticks are good for six days only.
        """
        if self._tag:
            transfer = self._link.take()
            if transfer:
                self._receive(transfer)
            return
        if self._health_at is not None and self._clock.since(self._health_at) >= _HEALTH_MS:
            self._health_at = None
        self._due = self._due or self._is_due()
        if self._due and online:
            self._due = False
            try:
                self._send()
            except Exception as error:
                self._tag = None
                self._fail(0, "cannot send: %r" % error)
                raise

    def nudge(self):
        """The agent asks for a frame: the next one is due at once, even during a back-off."""
        self._is_nudged = True

    def stuck(self):
        """The link has not come back from a frame: only a restart helps."""
        return self._tag is not None and self._clock.since(self._sent_at) > _STUCK_MS

    def _wants(self):
        most = NOTHING
        if self._greeted:
            for extra in self._extras:
                wants = extra.wants()
                if wants > most:
                    most = wants
        return most

    def _is_due(self):
        wants = self._wants()
        if self._wait_ms:
            hurries = wants >= NOW or self._is_nudged
            if not hurries and self._clock.since(self._failed_at) < self._wait_ms:
                return False
            self._wait_ms = 0
        if wants or self._more or self._failures or not self._greeted or len(self._queue):
            return True
        return self._is_nudged or self._clock.since(self._sent_at) >= self._poll_ms

    def _send(self):
        self._is_nudged = False
        self._frame += 1
        alone = self._wants() >= ALONE
        head = b'{"boot":%d,"frame":%d' % (self._counters.boot, self._frame)
        self._health_sent = not alone and self._health_at is None
        if self._health_sent:
            head += b',"health":' + json.dumps(self._health()).encode()
        end = self._put(0, head)
        if self._greeted:
            for extra in self._extras:
                room = self._codec.capacity - end - len(_EVENTS) - len(_END)
                end = self._put(end, extra.fields(room))
        end = self._put(end, _EVENTS)
        self._last = None
        if self._greeted and not alone:
            room = min(self._room, self._codec.capacity - end - len(_END))
            end, self._last = self._queue.write(self._codec.payload, end, room)
        end = self._put(end, _END)
        frame, self._tag = self._codec.seal(end)
        if self._last:
            self._sent_up_to = max(self._sent_up_to, self._last)
        self._sent_at = self._clock.ticks()
        self._link.send(frame)

    def _put(self, at, data):
        end = at + len(data)
        if end > self._codec.capacity:
            raise ValueError("a report of more than %d bytes" % self._codec.capacity)
        self._codec.payload[at:end] = data
        return end

    def _receive(self, transfer):
        tag, self._tag = self._tag, None
        try:
            reply = _parse(self._codec.open(transfer.body), tag)
        except (FrameError, ValueError, MemoryError) as error:
            self._fail(transfer.retry_s * 1000, _hint(transfer, error))
            return
        took = self._clock.since(self._sent_at)
        if took <= _CLOCK_RTT_MS:
            self._set_clock(reply["now"], took)
        if "error" not in reply:
            self._accepted(reply["ack"])
        elif reply["error"] == "stale":
            self._go_on_above(reply["boot"])
        else:
            why = "%s %s" % (reply["error"], reply.get("detail", ""))
            self._fail(reply["retry_ms"], "the agent refuses: " + why)
        self._pass_on(reply)

    def _set_clock(self, now, took):
        # Which part of the trip `now` is from, nobody knows. A clock that agrees with any stays: a
        # long frame over serial takes 400 ms up, its reply 40 ms down.
        uptime = self._clock.uptime()
        known = self._clock.unix_ms(uptime)
        if known is None or not now <= known <= now + took:
            self._clock.set(now, uptime - took // 2)

    def _pass_on(self, reply):
        self._more = False
        for extra in self._extras:
            try:
                if extra.read(reply):
                    self._more = True
            except ValueError as error:
                print("agent: cannot use its reply:", error)

    def _accepted(self, acked):
        if acked[0] >= self._counters.boot and acked > self._sent_up_to:
            # It has events under numbers that we have yet to give: our counters were lost.
            self._go_on_above(acked[0])
            return
        self._queue.ack(acked)
        if self._last and acked < self._last:
            self._fail(0, "it does not acknowledge what it was sent")
            return
        self._greeted = True
        self._failures = 0
        self._room = min(self._room * 2, self._codec.capacity)
        if self._health_sent:
            self._health_at = self._clock.ticks()
        self._tell("connected")

    def _go_on_above(self, boot):
        try:
            self._counters.go_on_above(boot)
        except CountersError as error:
            self._fail(0, str(error))
            return
        self._frame = 0
        self._tell("it knows a later start of us; going on as boot %d" % self._counters.boot)

    def _fail(self, wait_ms, why):
        cap = min(_BACKOFF_MS << min(self._failures, 8), _BACKOFF_CAP_MS)
        self._failures += 1
        self._room = max(self._room // 2, _LEAST_ROOM)
        jitter = cap // 2 + random.getrandbits(16) * (cap // 2) // 65536
        self._wait_ms = min(max(jitter, wait_ms), _WAIT_CAP_MS)
        self._failed_at = self._clock.ticks()
        self._tell(why)

    def _tell(self, state):
        if state != self._state:
            self._state = state
            print("agent:", state)


def _parse(payload, tag):
    """The reply with the fields that `Session` reads, `ack` as a tuple.

    ValueError if it is not one to the frame with this tag.
    """
    reply = json.loads(payload)
    if not isinstance(reply, dict) or reply.get("re") != tag.decode():
        raise ValueError("it answers another frame")
    if "error" in reply:
        reply.setdefault("retry_ms", 0)
        numbers = [reply["retry_ms"], reply.get("boot", 0)]
        if reply["error"] == "stale" and "boot" not in reply:
            raise ValueError("stale without the boot")
    else:
        reply["ack"] = tuple(reply["ack"]) if isinstance(reply.get("ack"), list) else ()
        numbers = reply["ack"]
        if len(numbers) != 2:
            raise ValueError("no ack")
    for number in tuple(numbers) + (reply.get("now"),):
        if not isinstance(number, int) or number < 0:
            raise ValueError("not a number: %s" % number)
    return reply


def _hint(transfer, error):
    if transfer.error:
        return "not reachable: " + transfer.error
    if transfer.status == 401:
        return "it does not know this device, or the key differs; see `thingwarden device list`"
    if transfer.status == 200:
        return "the reply was refused: %s" % error
    return "it answers with HTTP status %d" % transfer.status
