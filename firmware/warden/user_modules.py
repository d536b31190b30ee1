"""Modules of the board's owner: functions that commands call, events of their own.

A command's function has its name, with `_` for `-` and `.`, and takes its value: None, true or
false, a number or a text. What it returns means nothing; an exception is why the command failed.
A module may have `start(report)`, which is called once; `report(type, params)` makes an event, from
anywhere but a hard interrupt. All of it runs in the loop, and must not block.
"""

import gc
import json
import sys

from warden.characters import whole

_MOST = 32  # events that wait for the next round
_LONGEST = 100  # bytes of an error: eight of them go into a report beside the rest
_INTERRUPTED = "unknown"  # as an error it tells the agent of a power cut


class UserModules:
    """`wanted`: a command's name -> its module's. `capture(type, params, uptime)` takes events.

    What is wrong with a module is told once, and is the error of its commands. `missed` counts
    events for which there was no room.
    """

    def __init__(self, wanted, clock, capture):
        self.missed = 0
        self._wanted = wanted
        self._clock = clock
        self._capture = capture
        self._functions = {}  # by a command's name; a text is why there is none
        self._reported = []

    def __contains__(self, name):
        return name in self._wanted

    def start(self):
        """Import the modules and let them begin; what is wrong, by command."""
        loaded, wrong = {}, {}
        for command, name in self._wanted.items():
            if name not in loaded:
                loaded[name] = self._load(name)
            function = loaded[name]
            if not isinstance(function, str):
                function = _function(function, command.replace("-", "_").replace(".", "_"))
            if isinstance(function, str):
                print("command %s: %s" % (command, function))
                wrong[command] = function
            self._functions[command] = function
        return wrong

    def call(self, command, value):
        """Carry it out; why it failed, None if it is done."""
        function = self._functions[command]
        if isinstance(function, str):
            return function
        try:
            function(_sound(value))
        except (Exception, SystemExit) as error:
            return _told(error)
        return None

    def report(self, kind, params):
        """An event of a module, captured by the next `tick`: this may interrupt the loop anywhere.
        TypeError for what can be none."""
        texts = [kind]
        texts.extend(params)
        if not isinstance(params, dict) or not all(type(text) is str for text in texts):
            raise TypeError("report: a type, and a dict of parameters by name")
        if len(self._reported) < _MOST:
            params = {name: _sound(value) for name, value in params.items()}
            self._reported.append((kind, params))
        else:
            self.missed += 1

    def tick(self):
        """Capture what was reported until now: more may come faster than it is captured."""
        for _ in range(len(self._reported)):
            kind, params = self._reported.pop(0)
            self._capture(kind, params, self._clock.uptime())

    def _load(self, name):
        """The module once it has begun, or a text: why not. Then it takes no heap any more."""
        gc.collect()
        try:
            return self._begun(name)
        except (Exception, SystemExit) as error:
            # MicroPython only marks the place of a failed import as free: all of it would stay.
            sys.modules[name] = None  # type: ignore[assignment]
            sys.modules.pop(name)
            return _bounded("%s: %s" % (name, _told(error)))

    def _begun(self, name):
        """The module; raises whatever it does."""
        module = __import__(name)
        if hasattr(module, "start"):
            start = _function(module, "start")
            if isinstance(start, str):
                raise TypeError(start)
            start(self.report)
        return module


def _sound(value):
    """It; a text with its characters whole."""
    return whole(value) if type(value) is str else value


def _function(module, name):
    """It, or a text: why there is none."""
    function = getattr(module, name, None)
    # One that yields, `async` ones too, would be called and do nothing.
    if callable(function) and type(function).__name__ != "generator":
        return function
    return _bounded("%s has no plain function %s" % (module.__name__, name))


def _told(error):
    """The error's text for the agent; the console shows where it came from."""
    gc.collect()
    try:
        sys.print_exception(error)
        text = str(error)
        return _bounded(repr(error) if text in ("", _INTERRUPTED) else text)
    except Exception:  # its text is its author's too, or has no room
        return type(error).__name__


def _bounded(text):
    """On one line, and short enough for a report."""
    text = whole(text[:_LONGEST])
    text = "".join([c if c >= " " else " " for c in text])
    while len(json.dumps(text).encode()) > _LONGEST + 2:
        text = text[:-1]
    return text
