"""Stand-ins for what a board has around the code under test, failing as the real things do."""

import json
import os
from time import ticks_ms

import micropython
from warden.clock import Clock
from warden.counters import Counters
from warden.frames import FRAME_LIMIT, Codec
from warden.queue import Queue
from warden.session import Session, Transfer
from warden.spool import Spool

KEY = bytes(range(32))


class raises:
    """`with raises(Kind, "text")`: the block must raise that kind, with the text in its message."""

    def __init__(self, kind, text=""):
        self._kind = kind
        self._text = text

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        assert kind, "nothing was raised"
        if not issubclass(kind, self._kind):
            return False
        assert self._text in str(error), "%r does not contain %r" % (str(error), self._text)
        return True


class no_allocation:
    """`with no_allocation():` what the block takes of the heap raises MemoryError."""

    def __enter__(self):
        micropython.heap_lock()

    def __exit__(self, kind, error, trace):
        micropython.heap_unlock()


class Ticks:
    """A ticks_ms under the test's control, with the wrap of ESP32 if asked for."""

    def __init__(self, now=0, period=1 << 62):
        self.now = now
        self._period = period

    def __call__(self):
        return self.now % self._period

    def diff(self, later, earlier):
        half = self._period // 2
        return (later - earlier + half) % self._period - half

    def clock(self):
        return Clock(self, self.diff)


def ran_ms():
    """Milliseconds but for those in which this process waited for a processor: on a busy machine
    they are no fault of ours. Sleeping counts, but on a busy machine not all of it: Linux may leave
    a process that sleeps among those that wait (EEVDF's delayed dequeue)."""
    waited = _waited_ms()
    while True:
        now = ticks_ms()
        before, waited = waited, _waited_ms()
        if before == waited:
            return now - waited


def _waited_ms():
    with open("/proc/self/schedstat") as file:
        return int(file.read().split()[1]) // 1000000


def ran_clock():
    """The program's clock, by `ran_ms`. Allocates."""
    return Clock(ran_ms, lambda later, earlier: later - earlier)


class Nvs:
    """NVS whose uncommitted writes are lost, and which refuses when `broken`."""

    def __init__(self):
        self.kept = {}
        self._pending = {}
        self.broken = False
        self.commits = 0

    def get_blob(self, key, buffer):
        if self.broken:
            raise OSError(-0x1101, "ESP_ERR_NVS_NOT_INITIALIZED")
        if key not in self.kept:
            raise OSError(-0x1102, "ESP_ERR_NVS_NOT_FOUND")
        buffer[:] = self.kept[key]
        return len(self.kept[key])

    def set_blob(self, key, value):
        if self.broken:
            raise OSError(-0x1105, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")
        self._pending[key] = bytes(value)

    def commit(self):
        self.kept.update(self._pending)
        self._pending = {}
        self.commits += 1


class Agent:
    """The other end of the link: holds the frame in flight until the test answers it."""

    _codec = None  # made once: its buffers are large

    def __init__(self):
        self.frames = []
        self._transfer = None
        if not Agent._codec:
            Agent._codec = Codec("front-door", KEY, "reply", "report", limit=FRAME_LIMIT)

    def send(self, frame):
        assert self._transfer is None
        self.frames.append(bytes(frame))

    def take(self):
        transfer, self._transfer = self._transfer, None
        return transfer

    def report(self, number=-1):
        return json.loads(self._codec.open(self.frames[number]))

    def answer(self, re=None, **reply):
        reply["re"] = re or self.frames[-1].split(b".")[4].decode()
        reply.setdefault("now", 1700000000000)
        payload = json.dumps(reply).encode()
        self._codec.payload[: len(payload)] = payload
        self._transfer = Transfer(200, bytes(self._codec.seal(len(payload))[0]), 0, None)

    def fail(self, status=0, body=b"", retry_s=0, error=None):
        self._transfer = Transfer(status, body, retry_s, error)


class Board:
    """The parts that keep events, over an NVS and a directory that survive `reset`."""

    def __init__(self, limit=64, spool_bytes=262144, directory="spool"):
        self.ticks = Ticks()
        self.nvs = Nvs()
        self._arguments = limit, spool_bytes, directory
        self.reset()

    def reset(self, floor=0):
        limit, spool_bytes, directory = self._arguments
        self.ticks.now += 1000
        self.clock = self.ticks.clock()
        self.counters = Counters(self.nvs)
        self.spool = Spool(directory, spool_bytes)
        self.queue = Queue(self.counters, self.spool, self.clock, limit)
        self.counters.load()
        self.counters.start(floor, self.queue.recover())

    def pass_ms(self, milliseconds):
        self.ticks.now += milliseconds

    def press(self, **params):
        return self.queue.capture("buttonState", params or {"pressed": True}, self.clock.uptime())

    def sendable(self, capacity=2900):
        """Ids of the events that the next frame would carry."""
        return [tuple(event["id"]) for event in self.events(capacity)]

    def events(self, capacity=2900):
        """The events that the next frame would carry."""
        buffer = bytearray(capacity)
        end, last = self.queue.write(buffer, 0, capacity)
        events = json.loads(b"[" + buffer[:end] + b"]")
        assert last == (tuple(events[-1]["id"]) if events else None)
        return events


class Talk:
    """A board in conversation with an agent, with the time in our hands."""

    _codec = None  # made once: its buffers are large

    def __init__(self, board=None, extras=()):
        if not Talk._codec:
            Talk._codec = Codec("front-door", KEY)
        self.board = board or Board()
        self.agent = Agent()
        self.health = {"queue": 0}
        self.session = Session(
            self._codec,
            self.board.counters,
            self.board.queue,
            self.board.clock,
            self.agent,
            lambda: self.health,
            5000,
            extras,
        )

    def greet(self):
        """The first frame is accepted."""
        self.sent()
        self.agent.answer(ack=[0, 0])
        self.session.tick()

    def sent(self, milliseconds=0):
        """Let time pass; the reports sent meanwhile."""
        before = len(self.agent.frames)
        for _ in range(0, milliseconds + 1, 10):
            self.session.tick()
            self.board.pass_ms(10)
        return len(self.agent.frames) - before


class RamDisk:
    """A block device whose power can be cut: after `budget` more block writes every write fails."""

    BLOCK = 512

    def __init__(self, blocks=96):
        self.data = bytearray(blocks * self.BLOCK)
        self.budget = None

    def readblocks(self, block, buffer, offset=0):
        start = block * self.BLOCK + offset
        buffer[:] = memoryview(self.data)[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        if self.budget is not None:
            if self.budget == 0:
                return -5  # an exception would leave littlefs in the midst of its work
            self.budget -= 1
        start = block * self.BLOCK + offset
        self.data[start : start + len(buffer)] = buffer
        return 0

    def ioctl(self, operation, argument):
        if operation == 4:
            return len(self.data) // self.BLOCK
        if operation == 5:
            return self.BLOCK
        return 0

    def mount(self, path):
        os.mount(os.VfsLfs2(self, progsize=128, readsize=128), path)

    def format(self):
        os.VfsLfs2.mkfs(self, progsize=128, readsize=128)
