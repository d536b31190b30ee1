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
_STUCK_MS = 300000  # a name look-up has no time-out, but no answer takes this long


class Session:
    """Sends what is due through `link` and acts on the replies.

    `health()` gives the object that a report carries now and then.
    """

    def __init__(self, codec, counters, queue, clock, link, health, poll_ms):
        self._codec = codec
        self._counters = counters
        self._queue = queue
        self._clock = clock
        self._link = link
        self._health = health
        self._poll_ms = poll_ms
        self._frame = 0
        self._tag = None  # of the frame in flight
        self._last = None  # id of its last event
        self._sent_at = 0
        self._not_before = 0
        self._failures = 0
        self._next_health = 0
        self._health_sent = False
        self._state = None

    def tick(self):
        """One step: take what came back, or send what is due. Never waits."""
        now = self._clock.uptime()
        if self._tag:
            transfer = self._link.take()
            if transfer:
                self._receive(transfer, now)
        elif now >= self._not_before and self._is_due(now):
            self._send(now)

    def stuck(self):
        """The link has not come back from a frame: only a restart helps."""
        return self._tag is not None and self._clock.uptime() - self._sent_at > _STUCK_MS

    def _is_due(self, now):
        polled = now - self._sent_at < self._poll_ms and self._frame
        return len(self._queue) or self._failures or not polled

    def _send(self, now):
        self._frame += 1
        head = b'{"boot":%d,"frame":%d' % (self._counters.boot, self._frame)
        self._health_sent = now >= self._next_health
        if self._health_sent:
            head += b',"health":' + json.dumps(self._health()).encode()
        texts, self._last = self._queue.batch(self._codec.capacity() - len(head) - 14)
        payload = b"%s,%s]}" % (head, b'"events":[' + b",".join(texts))
        frame, self._tag = self._codec.seal(payload)
        self._sent_at = now
        self._link.send(frame)

    def _receive(self, transfer, now):
        tag, self._tag = self._tag, None
        try:
            reply = _parse(self._codec.open(transfer.body), tag)
        except (FrameError, ValueError) as error:
            self._fail(now, transfer.retry_s * 1000, _hint(transfer, error))
            return
        if now - self._sent_at <= _CLOCK_RTT_MS:
            self._clock.set(reply["now"], (now + self._sent_at) // 2)
        if "error" in reply:
            self._refused(reply, now)
        else:
            self._accepted(reply["ack"], now)

    def _accepted(self, acked, now):
        self._queue.ack(acked)
        if self._last and acked < self._last:
            self._fail(now, 0, "it does not acknowledge what it was sent")
            return
        self._failures = 0
        if self._health_sent:
            self._next_health = now + _HEALTH_MS
        self._tell("connected")

    def _refused(self, reply, now):
        if reply["error"] != "stale":
            why = "%s %s" % (reply["error"], reply.get("detail", ""))
            self._fail(now, reply["retry_ms"], "the agent refuses: " + why)
            return
        try:
            self._counters.go_on_above(reply["boot"])
        except CountersError as error:
            self._fail(now, 0, str(error))
            return
        self._frame = 0
        self._tell("it knows a later start of us; going on as boot %d" % self._counters.boot)

    def _fail(self, now, wait_ms, why):
        cap = min(_BACKOFF_MS << min(self._failures, 8), _BACKOFF_CAP_MS)
        self._failures += 1
        jitter = cap // 2 + random.getrandbits(16) * (cap // 2) // 65536
        self._not_before = now + min(max(jitter, wait_ms), _WAIT_CAP_MS)
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
