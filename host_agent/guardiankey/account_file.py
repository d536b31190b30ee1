"""An account as a TOML file that only its owner can read."""

import json
import logging
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from host_agent.guardiankey.errors import AccountError

_log = logging.getLogger(__name__)

_REQUIRED = ("agent_id", "organization_id", "auth_group_id", "key", "iv")
_OPTIONAL = ("service", "reverse")


def read(path: Path) -> dict[str, Any]:
    """The fields, all required ones and no unknown ones, with whatever values. Raises AccountError
    naming the file and the field."""
    fields = _document(path)
    for name in fields:
        if name not in _REQUIRED + _OPTIONAL:
            known = ", ".join(_REQUIRED + _OPTIONAL)
            raise AccountError(f"{path}: {name}: unknown field; known are {known}")
    for name in _REQUIRED:
        if name not in fields:
            raise AccountError(f"{path}: {name} is missing")
    return fields


def write(path: Path, fields: Mapping[str, str | bool], *, replace: bool) -> None:
    """The texts must be printable. Raises AccountError, and leaves no half-written file."""
    target = path.with_name(path.name + ".new") if replace else path
    try:
        if replace:
            target.unlink(missing_ok=True)
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(_text(fields))
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            target.unlink()
            raise
        if replace:
            target.replace(path)
    except FileExistsError:
        raise AccountError(f"{path} is there already and stays as it is") from None
    except (OSError, ValueError) as error:
        raise AccountError(f"{path} cannot be written: {_cause(error)}") from None


def _document(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
        if os.name == "posix" and path.stat().st_mode & 0o077:
            _log.warning("%s holds a secret and others can read it: chmod 600 %s", path, path)
        return tomllib.loads(text)
    except FileNotFoundError:
        raise AccountError(
            f"there is no {path}: make it with `thingwarden guardiankey register`"
        ) from None
    except OSError as error:
        raise AccountError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise AccountError(f"{path} is not UTF-8 text") from None
    except (ValueError, RecursionError):  # their text could quote a secret
        raise AccountError(f"{path} is not TOML") from None


def _text(fields: Mapping[str, str | bool]) -> str:
    head = "# An account at GuardianKey. Key and iv are secrets: keep this file to yourself.\n"
    return head + "".join(  # a printable text is the same in JSON and in TOML
        f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in fields.items()
    )


def _cause(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or "no such name can be"
