"""boards/NAME.toml: what a person decides about a board, kept between two flashes."""

import json
import logging
import os
import re
import tomllib
from pathlib import Path
from typing import Any

from tools.board.errors import BoardError

_log = logging.getLogger(__name__)

_OURS = {
    "device": "it is the file's name",
    "key": "the store has it",
    "boot_floor": "the store has it",
}
_WIFI_TABLE = re.compile(r"^[ \t]*\[[ \t]*wifi[ \t]*\][^\n]*\n", re.MULTILINE)

_HEAD = """\
# The board {name}: what its config.json says besides its name, key and account, which
# `python -m tools.board flash` adds. firmware/README.md tells every field.

# Where it reports to: http://HOST:PORT, or "serial" for the USB cable.
agent = {agent}

# How often it asks for news while idle, in seconds.
# poll_s = 5
"""
_WIFI = """
[wifi]
ssid = {ssid}
# A secret: keep this file to yourself. Without this line THINGWARDEN_WIFI_PASSWORD of the
# environment is taken, or flash asks. "" is an open network.
password = {password}
"""
_INPUT = """
# One such table for each button, contact or sensor.
"""
_DOOR = """
# A door: GuardianKey judges its attempts, under the account that agent.toml names.
# [guardiankey]
# route = "relay"
#
# [access]
# no_verdict = "closed"
# keypad = { rows = [32, 33, 25, 26], columns = [27, 13, 4] }
# lock = { pin = 23, active = "high", open_ms = 3000 }
"""


def read(path: Path) -> dict[str, Any] | None:
    """Its tables, None if there is no such file. Raises BoardError naming file and field."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BoardError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BoardError(f"{path} is not UTF-8 text: byte {error.start} is wrong") from None
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"\(at .*\)$", str(error))  # the rest could quote a secret
        raise BoardError(f"{path} is not TOML {where[0] if where else ''}".rstrip()) from None
    except (ValueError, RecursionError):
        raise BoardError(f"{path} is not TOML") from None
    for field, why in _OURS.items():
        if field in table:
            raise BoardError(f"{path}: {field} does not belong there: {why}")
    wifi = table.get("wifi")
    if isinstance(wifi, dict) and wifi.get("password") and os.name == "posix" and mode & 0o077:
        _log.warning("%s holds a secret and others can read it: chmod 600 %s", path, path)
    return table


def text(name: str, agent: str, wifi: tuple[str, str] | None, inputs: list[dict[str, Any]]) -> str:
    """A commented file for a new board; `wifi` is (ssid, password). All texts are printable."""
    parts = [_HEAD.format(name=name, agent=_value(agent))]
    if wifi:
        parts.append(_WIFI.format(ssid=_value(wifi[0]), password=_value(wifi[1])))
    parts.append(_INPUT)
    for entry in inputs:
        parts.append("[[inputs]]\n")
        parts += [f"{field} = {_value(value)}\n" for field, value in entry.items()]
    return "".join([*parts, _DOOR])


def with_password(document: str, password: str) -> str | None:
    """The file's text with `password` in its table [wifi]; None where that takes a person."""
    changed, count = _WIFI_TABLE.subn(
        lambda found: f"{found[0]}password = {_value(password)}\n", document
    )
    try:
        wanted = tomllib.loads(document)
        wanted["wifi"]["password"] = password
        return changed if count == 1 and tomllib.loads(changed) == wanted else None
    except (ValueError, LookupError, TypeError):
        return None


def write(path: Path, document: str) -> None:
    """Whole or not at all, for its owner only. Raises BoardError."""
    fresh = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(document)
        fresh.replace(path)
    except OSError as error:
        raise BoardError(f"{path} cannot be written: {error.strerror}") from None


def _value(value: str | int | bool) -> str:
    """A printable text, a number or a boolean is the same in JSON and in TOML."""
    return json.dumps(value, ensure_ascii=False)
