import gc
import json
import sys

import micropython
import warden.commands
import warden.user_modules
from support import Nvs, Talk, Ticks, raises
from warden.commands import Commands
from warden.user_modules import UserModules

GARDEN = """
calls = []

def blink(value):
    calls.append(value)
    return False

def soil_dry_now(value):
    calls.append("soil")

def drain(value):
    raise ValueError(value)

def explain(value):
    raise ValueError("\u2602" * 100)

def leave(value):
    raise SystemExit

def eat(value):
    bytearray(1 << 20)

def later(value):
    yield

async def sometime(value):
    pass

number = 5
"""


def modules(wanted, source=GARDEN, name="garden"):
    """UserModules that were started, in a flash with one of that source; what was captured and
    what the console said."""
    with open(name + ".py", "w") as file:
        file.write(source)
    if "" not in sys.path:
        sys.path.insert(0, "")
    captured, lines = [], []
    warden.user_modules.print = lines.append
    ticks = Ticks(7000)
    made = UserModules(wanted, ticks.clock(), lambda *event: captured.append(event))
    ticks.now += 250
    made.start()
    return made, captured, lines


def garden(*commands):
    return modules(dict.fromkeys(commands, "garden"))


def test_a_command_calls_the_function_of_its_name_with_its_value():
    made, _, lines = garden("blink", "soil-dry.now")
    assert "blink" in made and "power" not in made
    for value in (None, True, 7, 2.5, "slowly", "gr\u00fcn"):
        assert made.call("blink", value) is None, "whatever it returns"
    assert made.call("soil-dry.now", None) is None
    assert sys.modules["garden"].calls == [None, True, 7, 2.5, "slowly", "gr\u00fcn", "soil"]
    assert lines == []


def test_a_text_beyond_16_bits_arrives_whole():
    made, _, _ = garden("blink")
    made.call("blink", json.loads('"\\ud83d\\ude00"'))
    assert sys.modules["garden"].calls == ["\U0001f600"]


def test_an_exception_is_why_a_command_failed():
    made, _, _ = garden("drain", "leave", "eat")
    assert made.call("drain", "the pump is dry") == "the pump is dry"
    assert made.call("drain", "") == "ValueError('',)"
    assert made.call("drain", "unknown") == "ValueError('unknown',)", "that is a power cut"
    assert made.call("leave", None) == "SystemExit()"
    assert "memory" in made.call("eat", None)
    assert made.call("drain", "one\nline\t") == "one line "


def test_an_error_that_cannot_be_told_has_its_name():
    source = """
class Dry(Exception):
    def __str__(self):
        raise OSError(5)
def start(report):
    raise Dry
"""
    made, _, lines = modules({"blink": "garden", "wink": "other"}, source)
    assert made.call("blink", None) == "garden: Dry"
    assert made.call("wink", None) == "other: no module named 'other'", "it got its turn"
    assert len(lines) == 2


def test_an_error_is_bounded_as_it_travels():
    made, _, _ = garden("drain")
    for text in ("x" * 500, "\u2602" * 500, '"\\' * 500, "\U0001f600" * 500, "\ud83d" * 500):
        error = made.call("drain", text)
        assert 95 <= len(json.dumps(error).encode()) <= 102, error
        assert json.loads(json.dumps(error)) == error
    assert made.call("drain", "x" * 101) == "x" * 100


def test_a_function_that_is_none_is_told_at_start_and_by_its_command():
    made, _, lines = garden("blink", "wink", "number", "later", "sometime")
    for name in ("wink", "number", "later", "sometime"):
        why = "garden has no plain function " + name
        assert made.call(name, None) == why
        assert "command %s: %s" % (name, why) in lines
    assert len(lines) == 4
    assert made.call("blink", None) is None, "the others go on"


def test_a_module_that_does_not_import_fails_its_commands_alone():
    sources = (
        ("1 / 0", "divide by zero"),
        ("def blink(value:", "invalid syntax"),
        ("raise SystemExit", "SystemExit"),
        ("import nowhere", "no module named 'nowhere'"),
        ("bytearray(1 << 20)", "memory allocation failed"),
        ("def f(): f()\nf()", "maximum recursion depth"),
    )
    for number, (source, why) in enumerate(sources):
        name = "broken%d" % number
        made, _, lines = modules({"blink": name, "wink": name, "fine": "sound"}, source, name)
        assert made.call("blink", None).startswith(name + ": "), source
        assert why in made.call("blink", None), made.call("blink", None)
        assert "command blink: " + made.call("blink", None) in lines
        assert made.call("fine", None) == "sound: no module named 'sound'"
        assert len(lines) == 3


def test_a_module_that_eats_the_heap_gives_it_back_when_it_failed():
    eats = "while True: hog.append(bytearray(256))"
    sources = (
        "hog = []\n" + eats,
        "hog = []\ndef start(report):\n    " + eats,
    )
    for number, source in enumerate(sources):
        name = "eater%d" % number
        gc.collect()
        free = gc.mem_free()
        made, _, _ = modules({"blink": name, "wink": "other"}, source, name)
        gc.collect()
        assert gc.mem_free() > free - 16384, gc.mem_free() - free
        assert "memory allocation failed" in made.call("blink", None)


def test_a_module_whose_start_is_no_function_takes_no_heap():
    source = "hog = bytearray(30000)\ndef start(report): yield"
    gc.collect()
    free = gc.mem_free()
    made, _, _ = modules({"blink": "starter", "wink": "other"}, source, "starter")
    gc.collect()
    assert gc.mem_free() > free - 16384, gc.mem_free() - free
    assert "has no plain function start" in made.call("blink", None)


def test_ctrl_c_in_a_module_ends_the_program():
    with raises(KeyboardInterrupt):
        modules({"blink": "garden"}, "raise KeyboardInterrupt")
    made, _, _ = modules({"stop": "other"}, "def stop(_):\n    raise KeyboardInterrupt", "other")
    with raises(KeyboardInterrupt):
        made.call("stop", None)


def test_start_is_called_once_with_the_way_to_report():
    source = "started = []\nstart = started.append\ndef a(_): pass\nb = a"
    made, _, lines = modules({"a": "garden", "b": "garden"}, source)
    assert sys.modules["garden"].started == [made.report] and lines == []
    assert made.call("a", None) is None and made.call("b", None) is None


def test_a_start_that_fails_fails_the_modules_commands():
    for number, (source, why) in enumerate(
        (
            ("def start(report): raise OSError(19)", "[Errno 19] ENODEV"),
            ("def start(): pass", "takes 0 positional arguments but 1 were given"),
            ("def start(report): yield", "has no plain function start"),
        )
    ):
        name = "garden%d" % number
        made, _, lines = modules({"blink": name}, source + "\ndef blink(_): pass", name)
        assert why in made.call("blink", None), made.call("blink", None)
        assert len(lines) == 1


def test_reports_are_captured_in_the_next_round_in_their_order():
    source = "def start(report):\n    report('rain', {'mm': 1.5})\n    report('wind', {})"
    made, captured, _ = modules({"blink": "garden"}, source)
    params = {"level": 3}
    made.report("tank", params)
    params["level"] = None
    assert captured == []
    made.tick()
    assert captured == [("rain", {"mm": 1.5}, 250), ("wind", {}, 250), ("tank", {"level": 3}, 250)]
    made.tick()
    assert len(captured) == 3 and made.missed == 0


def test_a_report_that_can_be_no_event_fails_where_it_is_made():
    made, captured, _ = garden("blink")

    class Name(str):
        pass

    wrong = ((5, {}), (b"rain", {}), ("rain", None), ("rain", ["mm"]), ("rain", {1: 2}))
    wrong += ((Name("rain"), {}), ("rain", {Name("mm"): 2}))
    for kind, params in wrong:
        with raises(TypeError):
            made.report(kind, params)
    made.tick()
    assert captured == []


def test_a_text_beyond_16_bits_is_reported_whole():
    made, captured, _ = garden("blink")
    made.report("sky", json.loads('{"face": "\\ud83d\\ude00", "half": "\\ud83d", "n": 2}'))
    made.tick()
    assert captured[0][1] == {"face": "\U0001f600", "half": "\ufffd", "n": 2}


def test_reports_beyond_a_rounds_room_are_counted():
    made, captured, _ = garden("blink")
    for number in range(40):
        made.report("rain", {"n": number})
    made.tick()
    assert [params["n"] for _, params, _ in captured] == list(range(32))
    assert made.missed == 8


def test_a_report_may_interrupt_the_loop_anywhere():
    made, captured, _ = garden("blink")

    def interrupt(number):
        made.report("rain", {"n": number})

    sent = 0
    while sent < 300:
        if len(made._reported) < 20:
            micropython.schedule(interrupt, sent)
            sent += 1
        made.tick()
    made.tick()
    assert [params["n"] for _, params, _ in captured] == list(range(300))


def test_reports_that_never_end_do_not_hold_the_loop():
    made, captured, _ = garden("blink")
    made.report("rain", {"n": 0})

    def storm(number):
        made.report("rain", {"n": number})
        if number < 300:
            micropython.schedule(storm, number + 1)

    storm(1)
    made.tick()
    assert len(captured) <= 32 and made.missed < 200, "this round took them all"


def test_a_quiet_round_allocates_nothing():
    made, _, _ = garden("blink")
    micropython.heap_lock()
    try:
        made.tick()
    finally:
        micropython.heap_unlock()


class Bench:
    """A board in conversation whose commands are an output's and a module's."""

    def __init__(self):
        self.nvs = Nvs()
        self.modules, _, _ = garden("blink", "drain", "explain")
        self.lines = []
        warden.commands.print = self.lines.append
        self.restart()

    def restart(self):
        power = {"pin": 26, "active": "high", "initial": "off"}
        self.talk = Talk(extras=(Commands({"power": power}, self.nvs, self.modules),))
        self.talk.greet()
        self.report = self.sent()

    def sent(self):
        assert self.talk.sent(5500) == 1
        return self.talk.agent.report()

    def reply(self, *commands):
        self.talk.agent.answer(ack=[0, 0], commands=commands)
        return self.sent()


def command(number, name="blink", args=None, ttl_ms=60000):
    return {"id": number, "name": name, "args": args, "ttl_ms": ttl_ms}


def test_functions_and_outputs_are_commands_alike():
    bench = Bench()
    report = bench.reply(
        command(1, args="fast"),
        command(2, "power", "on"),
        command(3, "drain", "dry"),
        command(4, "wink"),
        command(5, "power", "fast"),
    )
    assert report["results"] == [
        {"id": 1, "ok": True},
        {"id": 2, "ok": True},
        {"id": 3, "error": "dry"},
        {"id": 4, "error": "no such command"},
        {"id": 5, "error": "wants on or off"},
    ]
    assert sys.modules["garden"].calls == ["fast"]
    assert bench.lines == [
        "command blink: done",
        "command power on: done",
        "command 3: dry",
        "command 4: no such command",
        "command 5: wants on or off",
    ]


def test_a_function_is_called_at_most_once():
    bench = Bench()
    bench.reply(command(5))
    bench.reply(command(5))
    bench.restart()
    bench.reply(command(5))
    assert sys.modules["garden"].calls == [None]


def test_a_function_that_a_reset_ends_is_not_called_again():
    bench = Bench()
    with raises(KeyboardInterrupt):
        sys.modules["garden"].blink = None
        bench.modules._functions["blink"] = interrupted
        bench.reply(command(5))
    bench.restart()
    assert bench.report["results"] == [{"id": 5, "error": "unknown"}]
    assert "results" not in bench.reply(command(5))


def interrupted(_):
    raise KeyboardInterrupt


def test_a_command_that_came_too_late_calls_nothing():
    bench = Bench()
    assert bench.reply(command(5, ttl_ms=0))["results"] == [{"id": 5, "error": "expired"}]
    assert sys.modules["garden"].calls == []


def test_the_longest_errors_of_a_reply_fit_into_one_report():
    bench = Bench()
    last = (1 << 53) - 1
    numbers = range(last - 7, last + 1)
    report = bench.reply(*[command(n, "explain") for n in numbers])
    assert [result["id"] for result in report["results"]] == list(numbers)
    assert all(len(result["error"].encode()) > 95 for result in report["results"])
