"""From the file to the tables, with advice for every mistake."""

import difflib
import json
import logging
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from host_agent.config.errors import ConfigError
from host_agent.config.tables import ENVIRONMENT, Settings

_log = logging.getLogger(__name__)
_FIELD = re.compile(r"(.+) - at `\$\.(\w+).*`", re.DOTALL)


def load_settings(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in agent.toml, with the credentials of the environment. Raises ConfigError."""
    document = _read(path)
    types = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    tables = {}
    for name, content in document.items():
        if name not in types:
            raise ConfigError(f"{path}: unknown table [{name}]{_suggest(name, types)}")
        if not isinstance(content, dict):
            raise ConfigError(f"{path}: {name} must be a table: write [{name}] on its own line")
        tables[name] = content
    if tables.get("securithings", {}).get("api_secret"):
        _warn_if_readable(path)
    credentials = {field: environment.get(name) for field, name in ENVIRONMENT.items()}
    found = {field: value for field, value in credentials.items() if value}
    tables["securithings"] = tables.get("securithings", {}) | found
    settings = Settings(
        **{name: _table(path, name, content, types[name]) for name, content in tables.items()}
    )
    directory = path.absolute().parent
    return msgspec.structs.replace(
        settings,
        store=settings.store.located(directory),
        guardiankey=settings.guardiankey.located(directory),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError(f"{path} cannot be read as settings: it is not a regular file")
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"there is no {path}: make it with `thingwarden init`, or name it with --config"
        ) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text: byte {error.start} is wrong") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error


def _table(path: Path, name: str, content: dict[str, Any], type_: Any) -> Any:
    defaults = msgspec.to_builtins(type_())

    def refuse(field: str, problem: str) -> NoReturn:
        raise ConfigError(f"{path}: [{name}] {field}: {problem}")

    for field in content:
        if field not in defaults:
            refuse(field, f"unknown field{_suggest(field, defaults)}")
    try:
        return msgspec.convert(content, type_)
    except msgspec.ValidationError as error:
        match = _FIELD.fullmatch(str(error))
        if match is None:
            raise ConfigError(f"{path}: [{name}] {error}") from error
        problem, field = match.groups()
        refuse(field, f"{problem}, {_example(field, defaults)}")


def _example(field: str, defaults: Mapping[str, Any]) -> str:
    usual = defaults[field]
    return f"for example {field} = {json.dumps(usual or (['...'] if usual == [] else '...'))}"


def _suggest(name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known are {', '.join(known)}"


def _warn_if_readable(path: Path) -> None:
    if os.name == "posix" and path.stat().st_mode & 0o077:
        _log.warning("%s holds a secret and others can read it: chmod 600 %s", path, path)
