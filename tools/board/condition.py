"""What is on a board and in what condition: firmware, config.json, key, clock, room."""

import calendar
import hashlib
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from host_agent.config import ConfigError, load_settings
from host_agent.store import Store
from tools.board import build, slots
from tools.board.connection import Board
from tools.board.examination import Finding, told
from tools.board.slot_writer import SlotWriter

_HEAP_KIB, _FLASH_KIB = 90, 300
"""A board with less than this has no room for the app, or for a backlog of events."""
_SKEW_S = 5
_SET_SINCE = 2024
_SHOWN = 4

SETTINGS = """
import hashlib, json, sys
from binascii import hexlify
def read_settings():
    try:
        with open("slot", "rb") as file:
            where = {b"a": "a/", b"b": "b/"}.get(file.read(8).strip(), "")
    except OSError:
        where = ""
    if where:
        sys.path.insert(0, where[:-1])
    try:
        from warden import config
        from warden.settings import ConfigError
    except (ImportError, ValueError) as error:
        return None, {"missing": str(error)}
    try:
        s = config.load(where)
    except ConfigError as error:
        return None, {"wrong": str(error)}
    key = hexlify(hashlib.sha256(s.key).digest()).decode()
    return s, {"device": s.device, "key": key, "agent": s.agent, "ssid": s.ssid,
               "inputs": s.inputs, "functions": s.functions}
settings, said = read_settings()
print(json.dumps(said))
"""
"""Leaves `settings` on the board. Of the key it tells a hash, of the Wi-Fi's password nothing."""

_CLOCK = "import json, time\nprint(json.dumps(list(time.gmtime()[:6])))"
_FLASH = """
import json, os
found = os.statvfs(os.getcwd())
print(json.dumps(found[0] * found[3] // 1024))
"""


def firmware(board: Board) -> Finding:
    """Whether the slot that runs holds what this checkout compiles to."""
    held = SlotWriter(board).held
    if not held.pointer and any(path.startswith("warden/") for path in held.files):
        text = "copied by hand, in no slot; `python -m tools.board flash` puts it into one"
        return Finding("warn", "firmware", text)
    if not held.pointer:
        return Finding("bad", "firmware", "no slot is chosen; run `python -m tools.board flash`")
    wanted = build.compiled(board.facts.march)
    prefix = f"{held.pointer}/"
    missing = [path for path in wanted if prefix + path not in held.files]
    other = [
        path
        for path, content in wanted.items()
        if path not in missing and held.files[prefix + path] != slots.digest(content)
    ]
    if missing:
        return Finding(
            "bad",
            "firmware",
            f"slot {held.pointer} lacks {_listed(missing)}; run `python -m tools.board flash`",
        )
    if other:
        return Finding(
            "warn",
            "firmware",
            f"slot {held.pointer} differs from this checkout in {_listed(other)}; if that is not"
            " meant so, run `python -m tools.board flash`",
        )
    return Finding("ok", "firmware", f"slot {held.pointer}, {len(wanted)} modules, all whole")


def settings(board: Board) -> dict[str, Any]:
    """What the board says of its config.json, by its own check: `device`, `key` (SHA-256), `agent`,
    `ssid` (or None), `inputs` and `functions`; or why it can say nothing, as `missing` or
    `wrong`."""
    said: dict[str, Any] = told(board, SETTINGS)
    return said


def config(said: dict[str, Any]) -> Finding:
    """Of what `settings` returned."""
    if "missing" in said:
        text = f"no firmware to read it ({said['missing']}); run `python -m tools.board flash`"
        return Finding("bad", "config", text)
    if "wrong" in said:
        text = f"{said['wrong']}; mend boards/NAME.toml, then `python -m tools.board flash`"
        return Finding("bad", "config", text)
    return Finding("ok", "config", f"config.json is right, for {said['device']}")


def identity(name: str, digest: str, wanted: str | None, agent_toml: Path) -> Finding:
    """Whether the store knows the device, by the key whose SHA-256 this is."""
    if wanted is not None and wanted != name:
        text = f"this board is {name}, not {wanted}; another port, or flash it as {wanted}"
        return Finding("bad", "device", text)
    try:
        with Store.open(Path(load_settings(agent_toml).store.path)) as store:
            device = store.device(name)
    except ConfigError as error:
        return Finding("warn", "device", f"the agent's store was not asked: {error}")
    flash = f"run `python -m tools.board flash --device {name}`"
    if device is None:
        text = f"the agent does not know {name}: `thingwarden device add {name} --type TYPE`"
        return Finding("bad", "device", f"{text}, then {flash}")
    if device.next_key and digest == hashlib.sha256(device.next_key).hexdigest():
        return Finding("ok", "device", f"{name} has its next key, good from its next report on")
    if digest != hashlib.sha256(device.key).hexdigest():
        return Finding("bad", "device", f"{name} has another key in the store; {flash}")
    if device.next_key:
        return Finding("warn", "device", f"{name} still has its old key; {flash}")
    return Finding("ok", "device", f"{name} is known to the agent, by this key")


def clock(board: Board) -> Finding:
    """Against this machine's; a board gets the time from the agent, and keeps it over resets."""
    moment = told(board, _CLOCK)
    if moment[0] < _SET_SINCE:
        return Finding("ok", "clock", "not set since power-on; the agent's first reply sets it")
    skew = calendar.timegm(tuple(moment)) - time.time()
    if abs(skew) > _SKEW_S:
        text = f"{abs(skew):.0f} s {'fast' if skew > 0 else 'slow'} against this machine"
        return Finding("warn", "clock", f"{text}; the agent's next reply sets it")
    return Finding("ok", "clock", "as this machine's")


def memory(board: Board) -> Finding:
    """The heap after a start without the app."""
    kib = board.facts.heap // 1024
    if kib < _HEAP_KIB:
        text = f"only {kib} KiB of heap are free before the app starts, which needs {_HEAP_KIB}"
        return Finding("warn", "memory", f"{text}; use a stock image")
    return Finding("ok", "memory", f"{kib} KiB of heap free before the app starts")


def flash(board: Board) -> Finding:
    """What is free for events that wait."""
    kib = int(told(board, _FLASH))
    if kib < _FLASH_KIB:
        text = f"only {kib} KiB are free: a long outage could lose events; remove files of yours"
        return Finding("warn", "flash", text)
    return Finding("ok", "flash", f"{kib} KiB free")


def _listed(paths: Iterable[str]) -> str:
    names = [Path(path).name for path in paths]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
