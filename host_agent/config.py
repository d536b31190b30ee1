"""agent.toml: read once, checked as a whole, every mistake told with its table and field."""

import difflib
import json
import logging
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from host_agent.delivery import DeliverySettings, Endpoint
from host_agent.errors import ThingWardenError
from host_agent.loopback import is_loopback
from host_agent.securithings import DEFAULT_URL, api_key_problem, url_problem

ENVIRONMENT = {"api_key": "THINGWARDEN_API_KEY", "api_secret": "THINGWARDEN_API_SECRET"}
"""Variables that replace fields of [securithings]."""

_log = logging.getLogger(__name__)
_FIELD = re.compile(r"(.+) - at `\$\.(\w+).*`", re.DOTALL)


class ConfigError(ThingWardenError):
    """Names the file, table and field, and what would be right."""


def _check_url(url: str) -> None:
    if problem := url_problem(url):
        raise ValueError(f"url: {problem}")
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError(
            f"url: must be https, because the credentials travel with it, for example {DEFAULT_URL}"
        )


class SecuriThingsSettings(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Where events go, and the account they go to."""

    api_key: str = ""
    api_secret: str = ""
    url: str = DEFAULT_URL

    def __post_init__(self) -> None:
        if problem := api_key_problem(self.api_key):
            raise ValueError(f"api_key: {problem}")
        _check_url(self.url)

    def __repr__(self) -> str:
        return f"SecuriThingsSettings(url={self.url!r})"

    def endpoint(self) -> Endpoint:
        """Raises ConfigError as long as the credentials are missing."""
        for field, variable in ENVIRONMENT.items():
            if not getattr(self, field):
                raise ConfigError(
                    f"no credentials for SecuriThings: set {field} under [securithings] in"
                    f" agent.toml, or {variable} in the environment"
                )
        return Endpoint(self.url, self.api_key, self.api_secret)


class _Listening(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    listen: str

    def __post_init__(self) -> None:
        host, _, port = self.listen.rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        if not bare or not port.isdecimal() or int(port) > 65535 or (":" in bare) != (bare != host):
            raise ValueError(
                'listen: must be "HOST:PORT" with a port up to 65535 (0: any free one),'
                ' for example "127.0.0.1:8710" or "[::]:8710"'
            )

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


class LinkSettings(_Listening, frozen=True):
    """The device link, for boards on the local network."""

    listen: str = "0.0.0.0:8710"


class ConsoleSettings(_Listening, frozen=True):
    """The console, for people on this machine."""

    listen: str = "127.0.0.1:8711"


class StoreSettings(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The file of what must not be lost, and how much may wait in it."""

    path: Annotated[str, Meta(min_length=1)] = "thingwarden.db"
    max_events: Annotated[int, Meta(ge=1, le=100_000_000)] = 1_000_000
    max_bytes: Annotated[int, Meta(ge=1 << 20, le=1 << 40)] = 1 << 30

    def __post_init__(self) -> None:
        if "\0" in self.path or not Path(self.path).name:
            raise ValueError('path: must name a file, for example "thingwarden.db"')


class LogSettings(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What the agent tells on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Everything in agent.toml. `store.path` is absolute once loaded from a file."""

    securithings: SecuriThingsSettings = SecuriThingsSettings()
    link: LinkSettings = LinkSettings()
    console: ConsoleSettings = ConsoleSettings()
    store: StoreSettings = StoreSettings()
    delivery: DeliverySettings = DeliverySettings()
    log: LogSettings = LogSettings()


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
    store = msgspec.structs.replace(
        settings.store, path=str(path.absolute().parent / settings.store.path)
    )
    return msgspec.structs.replace(settings, store=store)


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
    defaults = {field.name: field.default for field in msgspec.structs.fields(type_)}

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
    return f"for example {field} = {json.dumps(defaults[field] or '...')}"


def _suggest(name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known are {', '.join(known)}"


def _warn_if_readable(path: Path) -> None:
    if os.name == "posix" and path.stat().st_mode & 0o077:
        _log.warning("%s holds a secret and others can read it: chmod 600 %s", path, path)
