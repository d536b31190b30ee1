"""Commands from the agent: an extra of the session that carries out each at most once.

A reply may carry `commands`, a list of {id, name, args, ttl_ms}; ids ascend. Every report tells
`commands`, the last id that was taken, and `results`, {id, ok: true} or {id, error}, until a reply
has accepted one that carried them.
"""

import json
import struct
from time import ticks_diff, ticks_ms

from esp32 import NVS

from warden.outputs import Outputs
from warden.session import DUE, NOTHING

_FORMAT = "<2Q"  # the last id taken, the last one whose result the agent has
_NOT_FOUND = -0x1102  # ESP_ERR_NVS_NOT_FOUND
_HIGHEST = (1 << 53) - 1
_MOST = 8  # results that wait; the agent sends the other commands again
_ON = ("on", 1)
_OFF = ("off", 0)


class Commands:
    """Carries out what replies bring for the outputs in `settings` (see Outputs) and for `modules`
    (UserModules, None without any).

    That a command was taken is in NVS before it acts: after a power cut in between it is not done
    again, and its result is `unknown`. While NVS does not read, none is taken.
    """

    def __init__(self, settings, nvs=None, modules=None):
        self._outputs = Outputs(settings)  # first: from here on they have their levels
        self._modules = modules
        self._nvs = nvs or NVS("commands")
        self._taken = 0
        self._told = 0
        self._known = False  # is what NVS holds read
        self._results = []
        self._asked_at = None  # ticks of the last frame, None if it did not ask for commands
        self._complaint = None

    def wants(self):
        """Results go soon."""
        return DUE if self._results else NOTHING

    def fields(self, room=4096):
        """The last command taken and the results that wait; nothing if they have no room."""
        self._asked_at = None
        if not self._known and not self._load():
            return b""
        fields = b',"commands":%d' % self._taken
        if self._results:
            fields += b',"results":' + json.dumps(self._results).encode()
        if len(fields) > room:
            return b""
        self._asked_at = ticks_ms()
        return fields

    def read(self, reply):
        """Take the commands of a reply; True if any was taken. ValueError if it is nonsense."""
        asked_at, self._asked_at = self._asked_at, None
        if asked_at is None or "error" in reply:
            return False
        self._results = []  # told; should this not be kept, the agent hears `unknown` and knows
        commands = reply.get("commands", ())
        if not isinstance(commands, (list, tuple)):
            raise ValueError("commands: no list")
        usable = [command for command in commands if _is_usable(command)]
        usable.sort(key=lambda command: command["id"])
        for command in usable:
            if command["id"] > self._taken and len(self._results) < _MOST:
                self._take(command, ticks_diff(ticks_ms(), asked_at))
        if not self._results and self._told != self._taken:
            self._keep(self._taken, self._taken)
        if len(usable) < len(commands):
            raise ValueError("commands: one without an id")
        return bool(self._results)

    def _take(self, command, age_ms):
        result = {"id": command["id"], "error": "unknown"}
        if not self._keep(command["id"], self._told):
            return
        self._results.append(result)
        why = self._act(command, age_ms)
        if why:
            result["error"] = why
        else:
            del result["error"]
            result["ok"] = True

    def _act(self, command, age_ms):
        """Carry it out and say so on the console; returns why not, None if it was done."""
        name, args, ttl_ms = command.get("name"), command.get("args"), command.get("ttl_ms")
        if not isinstance(name, str):
            name = ""
        done = name
        is_function = self._modules and name in self._modules
        if not is_function and name not in self._outputs:
            why = "no such command"
        elif not isinstance(ttl_ms, int) or age_ms >= ttl_ms:
            why = "expired"
        elif is_function:
            why = self._modules.call(name, args)
        else:
            on = _is_on(args)
            why = "wants on or off" if on is None else self._outputs.switch(name, on)
            done = "%s %s" % (name, "on" if on else "off")
        print("command %d: %s" % (command["id"], why) if why else "command %s: done" % done)
        return why

    def _load(self):
        record = bytearray(struct.calcsize(_FORMAT))
        try:
            self._nvs.get_blob("state", record)
        except OSError as error:
            if error.args[0] != _NOT_FOUND:
                return self._complain("read", error)
        self._taken, self._told = struct.unpack(_FORMAT, record)
        self._known = True
        if self._taken != self._told:
            self._results.append({"id": self._taken, "error": "unknown"})
        return True

    def _keep(self, taken, told):
        try:
            self._nvs.set_blob("state", struct.pack(_FORMAT, taken, told))
            self._nvs.commit()
        except OSError as error:
            return self._complain("kept", error)
        self._taken, self._told = taken, told
        self._complaint = None
        return True

    def _complain(self, what, error):
        complaint = "commands cannot be %s in NVS: %s" % (what, error)
        if complaint != self._complaint:
            self._complaint = complaint
            print(complaint)
        return False


def _is_usable(command):
    if not isinstance(command, dict):
        return False
    number = command.get("id")
    return type(number) is int and 0 < number <= _HIGHEST


def _is_on(args):
    """Whether `args` say on; None if they say neither on nor off."""
    if not isinstance(args, (str, int, bool)):
        return None
    return True if args in _ON else False if args in _OFF else None
