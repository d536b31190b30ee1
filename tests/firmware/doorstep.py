"""A door with all its parts and an agent, over a flash and an NVS that survive `reset`.

Real: everything of warden. Not real: the reader (a list of entries), the RTC, the agent (support).
"""

import binascii
import gc
import json

import machine
import warden.attempts
import warden.door
from support import Board, Nvs, Talk
from warden import cfb8
from warden.access_list import AccessList
from warden.access_sync import AccessSync
from warden.attempts import Attempts
from warden.door import Door
from warden.guardiankey import GuardianKey, Sequence
from warden.lock import Lock
from warden.lockout import Lockout
from warden.route_relay import RelayRoute
from warden.settings import GuardianKeySettings
from warden.slow_hash import Pbkdf2
from warden.spool import Spool

PIN = 23
SALT = bytes(16)
NOW = 1700000000000
_KEPT = 4

ACCOUNT = GuardianKeySettings()
ACCOUNT.agent_id = ACCOUNT.organization_id = ACCOUNT.auth_group_id = "group"
ACCOUNT.key, ACCOUNT.iv = bytes(32), bytes(16)
ACCOUNT.service = ACCOUNT.user_agent = "front-door"
ACCOUNT.client_reverse = ""


lines = []  # of the console


def _say(*words):
    lines.append(" ".join([str(word) for word in words]))


warden.door.print = warden.attempts.print = _say


class Reader:
    """Entries as a keypad would give them; `broken` while its wires are off."""

    def __init__(self):
        self.entries = []
        self.missed = 0
        self.broken = False

    def tick(self):
        if self.broken:
            raise OSError(5)
        return self.entries.pop(0) if self.entries else None


class Rtc:
    """Stands for `warden.rtc`; not set until told."""

    now = None

    def now_ms(self):
        return self.now


class Doorstep:
    """`enter` codes, `run` time; `lines` are the console, `attempts` what the agent was given last.

    The agent answers at once: `response` to a live attempt (None: it hangs), SENT to a late one,
    and whatever `extra` adds. alice has the code 1234.
    """

    def __init__(self, no_verdict="closed", hard_notify="closed", lockout_after=5, relay=True):
        gc.collect()
        self._settings = {
            "name": "front-door keypad",
            "no_verdict": no_verdict,
            "hard_notify": hard_notify,
        }
        self._after = lockout_after
        self._relay = relay
        self.board = Board()
        self.numbers, self.settled, self.failures = Nvs(), Nvs(), Nvs()
        self.rtc = warden.attempts.rtc = Rtc()
        lines.clear()
        self.lines = lines
        self.response = "ACCEPT"
        self.late_response = "SENT"
        self.extra = {}
        self.rev = 0
        self.start()
        self.run(100)
        self.give("alice", "1234", "alice@example.com")

    def start(self):
        """What happens at every start of the program."""
        clock = self.board.clock
        self.reader = Reader()
        self.access = AccessList()
        self.lock = Lock({"pin": PIN, "active": "high", "open_ms": 3000}, clock)
        extras = [AccessSync(self.access)]
        self.late = None
        if self._relay:
            route = RelayRoute("group", clock)
            extras.append(route)
            self.late = Attempts(
                GuardianKey(ACCOUNT),
                Sequence(self.numbers),
                route,
                clock,
                Spool("attempts", 16384),
                lambda: "192.0.2.1",
                self.settled,
            )
        self.lockout = Lockout(self._after, 60, clock, self.failures)
        self.events = []
        self.door = Door(
            self._settings,
            self.reader,
            self.access,
            self.lockout,
            self.late,
            self.lock,
            clock,
            lambda *event: self.events.append(event),
        )
        self.talk = Talk(self.board, extras)
        self.attempts = []
        self._served = None

    def reset(self):
        """The power was cut, and is back."""
        self.talk = self.door = self.late = self.access = None
        gc.collect()
        self.board.reset()
        self.start()

    def give(self, user, code, email=""):
        """The agent gives `user` a code."""
        digest = Pbkdf2(b"code:" + code.encode(), SALT, 1).step(1000)
        self.replicate(set=[[user, "code", email, _base64(digest)]])

    def replicate(self, set=(), unset=(), lockdown=False):
        """The agent changes the list."""
        change = {"list": "00c0ffee", "salt": _base64(SALT), "iterations": 1, "from": self.rev}
        self.rev += 1
        change.update({"rev": self.rev, "lockdown": lockdown, "more": False})
        change.update({"set": list(set), "unset": list(unset)})
        self.extra = {"access": change}
        while self.access.state[1] != self.rev:
            self.run(1000)

    def enter(self, text, kind="code"):
        self.reader.entries.append((kind, text))

    def tick(self):
        """One round of the loop, 10 ms."""
        self.lock.tick()
        self.door.tick()
        if self.late is not None:
            self.late.tick()
        self.talk.session.tick()
        self._serve()
        self.board.pass_ms(10)

    def run(self, milliseconds):
        for _ in range(milliseconds // 10):
            self.tick()

    def decide(self, text, milliseconds=5000):
        """Enter a code; the event it comes to."""
        before = len(self.events)
        self.enter(text)
        for _ in range(milliseconds // 10):
            self.tick()
            if len(self.events) > before:
                break
        assert len(self.events) == before + 1, "no decision"
        kind, params, _ = self.events[-1]
        assert kind == "lock_activate" and params["opened"] == self.is_open()
        return params

    def is_open(self):
        return bool(machine.Pin(PIN).value())

    def _serve(self):
        agent = self.talk.agent
        if not agent.frames or agent.frames[-1] is self._served:
            return
        del agent.frames[:-1]
        self._served = agent.frames[-1]
        report = agent.report()
        reply = {"ack": [0, 0], "now": NOW + self.board.ticks.now}
        attempt = report.get("attempt")
        if attempt:
            attempt["event"] = json.loads(_decrypted(attempt["message"]))
            self.attempts = self.attempts[-_KEPT:] + [attempt]
            response = self.response if attempt["ask"] else self.late_response
            if response is None:
                return  # it hangs
            retry = response == "ERROR"
            reply["verdict"] = {"id": attempt["id"], "response": response, "retry": retry}
        reply.update(self.extra)
        self.extra = {}
        agent.answer(**reply)

    def hang_up(self):
        """The link gives up the frame that hangs."""
        self.talk.agent.fail(error="OSError(110,)")


def _base64(data):
    return str(binascii.b2a_base64(data)[:-1], "ascii")


def _decrypted(message):
    return cfb8.decrypt(ACCOUNT.key, ACCOUNT.iv, binascii.a2b_base64(message))
