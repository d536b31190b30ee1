import json

import machine
import warden.commands
from support import Nvs, Talk, raises
from warden.commands import Commands
from warden.settings import ConfigError

POWER = {"pin": 26, "active": "high", "initial": "off"}
SETTINGS = {"power": POWER, "siren": {"pin": 27, "active": "low", "initial": "off"}}


class Bench:
    """A board with two outputs in conversation; NVS survives `restart`."""

    def __init__(self):
        self.nvs = Nvs()
        self.lines = []
        warden.commands.print = lambda line: self.lines.append(line)
        self.restart()

    def restart(self):
        self.commands = Commands(SETTINGS, self.nvs)
        self.talk = Talk(extras=(self.commands,))
        self.talk.greet()
        self.report = self.sent()

    def sent(self):
        """The next report; an idle board sends one with its poll."""
        assert self.talk.sent(5500) == 1
        return self.talk.agent.report()

    def reply(self, *commands, **fields):
        """The agent's reply to the last report, and the report after it."""
        if commands:
            fields["commands"] = commands
        self.talk.agent.answer(ack=[0, 0], **fields)
        return self.sent()


def command(number, name="power", args="on", ttl_ms=60000):
    return {"id": number, "name": name, "args": args, "ttl_ms": ttl_ms}


def test_a_report_tells_the_last_command_once_the_agent_knows_the_board():
    bench = Bench()
    assert "commands" not in bench.talk.agent.report(0)
    assert bench.report["commands"] == 0 and "results" not in bench.report


def test_a_command_acts_and_its_result_travels_at_once():
    bench = Bench()
    bench.talk.agent.answer(ack=[0, 0], commands=[command(5)])
    assert bench.talk.sent(10) == 1
    assert machine._levels[26] == 1
    report = bench.talk.agent.report()
    assert report["commands"] == 5 and report["results"] == [{"id": 5, "ok": True}]
    assert bench.lines == ["command power on: done"]


def test_on_and_off_have_three_spellings_and_nothing_else_is_one():
    bench = Bench()
    number = 0
    for args, level in (("on", 1), ("off", 0), (True, 1), (False, 0), (1, 1), (0, 0)):
        number += 1
        assert bench.reply(command(number, args=args))["results"] == [{"id": number, "ok": True}]
        assert machine._levels[26] == level, args
    for args in (None, "On", "", "1", 2, -1, 1.0, [], {}, "x" * 128):
        number += 1
        report = bench.reply(command(number, args=args))
        assert report["results"] == [{"id": number, "error": "wants on or off"}], args
        assert machine._levels[26] == 0


def test_active_low_turns_the_levels_around():
    bench = Bench()
    assert machine._levels[27] == 1
    bench.reply(command(1, "siren", "on"))
    assert machine._levels[27] == 0


def test_an_output_has_its_initial_level_from_the_first_moment_on():
    for active, initial, level in (("high", "on", 1), ("low", "on", 0), ("low", "off", 1)):
        told = []
        machine._tell = told.append
        machine._levels[26] = 1 - level
        Commands({"power": {"pin": 26, "active": active, "initial": initial}}, Nvs())
        assert told == ["pin 26 %d\n" % level], "never the other level in between"


def test_a_pin_that_cannot_be_had_is_a_configuration_error():
    with raises(ConfigError, "commands.power: pin 24"):
        Commands({"power": dict(POWER, pin=24)}, Nvs())


def test_commands_are_carried_out_in_ascending_order_each_once():
    bench = Bench()
    report = bench.reply(command(9, args="off"), command(7), command(7), command(8, "siren"))
    assert report["commands"] == 9
    assert report["results"] == [{"id": n, "ok": True} for n in (7, 8, 9)]
    assert bench.lines == [
        "command power on: done",
        "command siren on: done",
        "command power off: done",
    ]
    report = bench.reply(command(8), command(9))
    assert report["commands"] == 9 and "results" not in report
    assert machine._levels[26] == 0


def test_a_command_for_nothing_here_is_an_error_of_its_own():
    bench = Bench()
    report = bench.reply(command(1, "heater"), command(2), command(3, 5), {"id": 4})
    errors = [{"id": n, "error": "no such command"} for n in (1, 3, 4)]
    assert report["results"] == [errors[0], {"id": 2, "ok": True}, errors[1], errors[2]]
    assert machine._levels[26] == 1


def test_nonsense_costs_nothing_else():
    bench = Bench()
    sound = command(1 << 40)
    for nonsense in (5, None, "x", [], command(None), command("5"), command(0), command(1 << 53)):
        sound["id"] += 1
        report = bench.reply(nonsense, sound)
        assert report["results"] == [{"id": sound["id"], "ok": True}], nonsense
    for nonsense in (5, "commands", {"id": 1}, True):
        assert "results" not in bench.reply(commands=nonsense)


def test_at_most_eight_wait_to_be_told_and_the_rest_is_taken_later():
    bench = Bench()
    commands = [command(n) for n in range(1, 11)]
    report = bench.reply(*commands)
    assert report["commands"] == 8 and len(report["results"]) == 8
    report = bench.reply(*commands[8:])
    assert report["commands"] == 10 and len(report["results"]) == 2


def test_a_result_is_repeated_until_a_report_with_it_was_accepted():
    bench = Bench()
    told = bench.reply(command(5))["results"]
    bench.talk.agent.fail(error="OSError(110,)")
    bench.talk.sent(2000)
    assert bench.talk.agent.report()["results"] == told
    bench.talk.agent.answer(error="full", retry_ms=100)
    bench.talk.sent(2000)
    assert bench.talk.agent.report()["results"] == told
    assert "results" not in bench.reply()


def test_a_command_whose_time_is_over_when_it_arrives_is_not_done():
    bench = Bench()
    ticks = [0]
    warden.commands.ticks_ms = lambda: ticks[0]
    bench.reply()
    ticks[0] = 1000
    bench.talk.agent.answer(ack=[0, 0], commands=[command(5, ttl_ms=1000), command(6)])
    bench.talk.sent(10)
    late, timely = bench.talk.agent.report()["results"]
    assert late == {"id": 5, "error": "expired"} and timely == {"id": 6, "ok": True}


class PowerCut(Exception):
    pass


def test_a_power_cut_at_any_write_does_no_command_twice():
    commands = command(1), command(2, "siren"), command(3, args="off")
    for cut in range(4):
        bench = Bench()
        bench.nvs.commits = 0
        commit = bench.nvs.commit

        def cut_short():
            if bench.nvs.commits == cut:
                raise PowerCut
            commit()

        bench.nvs.commit = cut_short
        with raises(PowerCut):
            bench.reply(commands[0], commands[1])
            bench.reply(commands[2])
            bench.reply()
        bench.nvs.commit = commit
        bench.nvs._pending = {}
        done = len(bench.lines)
        bench.restart()
        assert bench.report["commands"] >= done, "one was done and is not known as taken"
        assert bench.report["commands"] == cut
        bench.reply(*commands)
        assert len(bench.lines) == len(set(bench.lines)) == 3, bench.lines


def test_a_command_taken_before_a_power_cut_is_unknown_after_it():
    bench = Bench()

    class Dead:
        def value(self, _):
            raise PowerCut

    bench.commands._outputs._outputs["power"] = Dead(), 1
    with raises(PowerCut):
        bench.reply(command(5))
    bench.restart()
    assert bench.report["commands"] == 5
    assert bench.report["results"] == [{"id": 5, "error": "unknown"}]
    assert "results" not in bench.reply(command(5))
    bench.restart()
    assert "results" not in bench.report and bench.report["commands"] == 5
    assert bench.lines == []


def test_a_result_that_was_told_is_not_told_again_after_a_restart():
    bench = Bench()
    bench.reply(command(5))
    bench.reply()
    bench.restart()
    assert bench.report["commands"] == 5 and "results" not in bench.report


def test_an_nvs_that_does_not_keep_takes_no_command():
    bench = Bench()
    bench.nvs.broken = True
    assert "results" not in bench.reply(command(5))
    assert "results" not in bench.reply(command(5))
    assert machine._levels[26] == 0
    assert len(bench.lines) == 1 and "commands cannot be kept in NVS" in bench.lines[0]
    bench.nvs.broken = False
    assert bench.reply(command(5))["results"] == [{"id": 5, "ok": True}]


def test_an_nvs_that_does_not_read_takes_no_command_until_it_does():
    bench = Bench()
    bench.reply(command(5))
    bench.nvs.broken = True
    bench.restart()
    assert "commands" not in bench.report
    assert "commands" not in bench.reply(command(6))
    bench.nvs.broken = False
    assert bench.reply()["commands"] == 5
    assert bench.reply(command(6))["commands"] == 6


def test_results_without_room_wait_for_a_frame_that_has_it():
    bench = Bench()
    bench.reply(command(5))
    fields = bench.commands.fields()
    assert json.loads(b"{" + fields[1:] + b"}")["results"] == [{"id": 5, "ok": True}]
    assert bench.commands.fields(len(fields) - 1) == b""
    assert not bench.commands.read({"commands": [command(6)]}), "it was not asked"
    assert bench.commands.fields(len(fields)) == fields
