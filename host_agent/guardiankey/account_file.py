"""An account as a TOML file that only its owner can read."""

import json
import logging
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from host_agent.guardiankey.errors import AccountError

if TYPE_CHECKING:
    from host_agent.guardiankey.account import Account

_log = logging.getLogger(__name__)

_REQUIRED = ("agent_id", "organization_id", "auth_group_id", "key", "iv")
_OPTIONAL = ("service", "reverse")


def read(path: Path) -> dict[str, Any]:
    """The fields of an Account. Raises AccountError naming the file and the field."""
    from host_agent.guardiankey.account import Account, decoded
    from host_agent.guardiankey.cfb8 import IV_BYTES, KEY_BYTES

    fields = _document(path)
    for name in fields:
        if name not in _REQUIRED + _OPTIONAL:
            known = ", ".join(_REQUIRED + _OPTIONAL)
            raise AccountError(f"{path}: {name}: unknown field; known are {known}")
    for name in _REQUIRED:
        if name not in fields:
            raise AccountError(f"{path}: {name} is missing")
    try:
        fields["key"] = decoded("key", fields["key"], KEY_BYTES)
        fields["iv"] = decoded("iv", fields["iv"], IV_BYTES)
        Account(**fields)
    except AccountError as error:
        raise AccountError(f"{path}: {error}") from None
    return fields


def write(path: Path, account: "Account", *, replace: bool) -> None:
    """Raises AccountError, and leaves no half-written file."""
    target = path.with_name(path.name + ".new") if replace else path
    try:
        if replace:
            target.unlink(missing_ok=True)
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(_text(account))
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


def _text(account: "Account") -> str:
    fields = {
        "agent_id": account.agent_id,
        "organization_id": account.organization_id,
        "auth_group_id": account.auth_group_id,
        "key": account.key_text,
        "iv": account.iv_text,
        "service": account.service,
        "reverse": account.reverse,
    }
    head = "# An account at GuardianKey. Key and iv are secrets: keep this file to yourself.\n"
    return head + "".join(  # a printable text is the same in JSON and in TOML
        f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in fields.items()
    )


def _cause(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or "no such name can be"
