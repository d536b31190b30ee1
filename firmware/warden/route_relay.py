"""Access attempts through the agent: an extra of the session that carries one at a time.

The agent forwards what it cannot read and answers with the verdict. Report and reply, as JSON:
`attempt` {id, authGroupId, message, ask} and `verdict` {id, response, reason, retry}.
"""

import json

from warden.session import ALONE, DUE, NOTHING, NOW

_RESPONSES = ("ACCEPT", "NOTIFY", "HARD_NOTIFY", "BLOCK", "ERROR", "SENT")
_LIVE_MS = 4000
# Bytes of a frame for the message and the id of its group: beside health and an event, or alone.
_SHARED = 2430
_ALONE = 2740
_REASON = 80


class RelayRoute:
    """`send` an attempt, then `take` until it gives (sequential, response, retry).

    Every frame carries the attempt until a reply tells what became of it, or its time is over. An
    agent that takes a frame and says nothing of its attempt does not relay: ERROR, to be retried.

    `longest` is how many bytes a message may have.
    """

    def __init__(self, auth_group_id, clock):
        self._auth_group_id = json.dumps(auth_group_id).encode()
        self.longest = _ALONE - len(self._auth_group_id)
        self._clock = clock
        self._sequential = None
        self._message = b""
        self._ask = False
        self._sent_at = 0
        self._wants = NOTHING
        self._carried = False  # by the last frame
        self._answer = None

    def idle(self):
        """May the next one be sent? A late attempt, which nobody waits for, makes way."""
        return self._sequential is None or not self._ask

    def send(self, sequential, message, ask):
        """Take one attempt: `message` as GuardianKey wants it, `ask` whether somebody waits."""
        self._sequential = sequential
        self._message = message
        self._ask = ask
        self._sent_at = self._clock.ticks()
        shares = len(message) + len(self._auth_group_id) <= _SHARED
        self._wants = NOW if ask else DUE if shares else ALONE
        self._carried = False
        self._answer = None

    def take(self):
        """What became of the attempt, once: (sequential, response, retry); None before.

        A late one waits as long as the agent is away.
        """
        live = self._sequential is not None and self._ask
        if live and self._clock.since(self._sent_at) >= _LIVE_MS:
            self._settle("ERROR", True)
        answer, self._answer = self._answer, None
        return answer

    def wants(self):
        """A live attempt goes at once and alone, a late one with the rest if there is room."""
        return self._wants

    def fields(self, room):
        """The attempt, if there is one."""
        if self._sequential is None:
            return b""
        self._carried = True
        if self._wants == NOW:
            self._wants = ALONE
        return b',"attempt":{"id":%d,"authGroupId":%s,"message":"%s","ask":%s}' % (
            self._sequential,
            self._auth_group_id,
            self._message,
            b"true" if self._ask else b"false",
        )

    def read(self, reply):
        """Take the verdict. ValueError if it is none; the attempt then has no verdict either."""
        carried, self._carried = self._carried, False
        verdict = reply.get("verdict")
        if not carried or self._sequential is None or (verdict is None and "error" in reply):
            return False
        if verdict is None:
            self._settle("ERROR", True)
            return False
        try:
            response, retry = _checked(verdict, self._sequential)
        except ValueError:
            self._settle("ERROR", True)
            raise
        if response == "ERROR":
            print("guardiankey:", _printable(verdict.get("reason")))
        self._settle(response, retry)
        return False

    def _settle(self, response, retry):
        self._answer = self._sequential, response, retry
        self._sequential = None
        self._message = b""
        self._wants = NOTHING


def _checked(verdict, sequential):
    if not isinstance(verdict, dict):
        raise ValueError("the verdict is no object")
    if type(verdict.get("id")) is not int or verdict["id"] != sequential:
        raise ValueError("the verdict is for another attempt")
    response, retry = verdict.get("response"), verdict.get("retry", False)
    if response not in _RESPONSES or not isinstance(retry, bool):
        raise ValueError("the verdict is none of " + ", ".join(_RESPONSES))
    return response, retry


def _printable(reason):
    text = reason[:_REASON] if isinstance(reason, str) else ""
    return "".join([c if c >= " " and c != "\x7f" else "?" for c in text]) or "no verdict"
