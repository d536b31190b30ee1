"""What goes onto a board besides the firmware: config.json, from the store and boards/NAME.toml."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from host_agent.board_config import SERIAL, board_config, door_config
from host_agent.config import Settings, load_settings
from host_agent.store import Device, Store, UnknownDevice
from tools.board import board_file, user_modules
from tools.board.ask import Ask
from tools.board.check import ConfigRefused, check
from tools.board.errors import BoardError
from tools.board.questions import PASSWORD, ask_all

_IDENTITY = ("device", "key", "boot_floor")
_ACCOUNT = ("agent_id", "organization_id", "auth_group_id", "key", "iv")
_CA = "ca.der"
_PEM = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True)
class BoardFiles:
    """config.json and the files beside it, by their names; both hold secrets: no repr. `modules`
    are the sources of the owner's modules, by theirs."""

    config: dict[str, Any] = field(repr=False)
    extra: dict[str, bytes] = field(repr=False)
    modules: Mapping[str, Path] = field(default_factory=dict)


def files_for(
    name: str,
    agent_toml: Path,
    boards: Path,
    ask: Ask,
    environment: Mapping[str, str] = os.environ,
) -> BoardFiles:
    """What the device's board needs, checked by the board's own code.

    Asks for what boards/NAME.toml leaves open, and writes that file if there is none. Raises
    BoardError naming the file and the field, or what the agent's settings and store raise.
    """
    settings = load_settings(agent_toml)
    with Store.open(Path(settings.store.path)) as store:
        device = store.device(name)
    if device is None:
        raise UnknownDevice(name)
    example = board_config(device, SERIAL)
    identity = {field: example[field] for field in _IDENTITY}
    path = boards / f"{name}.toml"
    table = board_file.read(path)
    if table is None:
        table = _asked(name, path, settings, example, ask, environment)
    else:
        _complete_wifi(table, path, ask, environment)
    extra: dict[str, bytes] = {}
    if table.get("guardiankey") is not None:
        table["guardiankey"], extra = _guardiankey(table, path, device, settings, agent_toml)
    config = identity | table
    _check(config, path)
    return BoardFiles(config, extra, user_modules.sources(config, path))


def _check(config: dict[str, Any], path: Path) -> None:
    try:
        check(config)
    except ConfigRefused as error:
        raise BoardError(f"{path}: {str(error).removeprefix('config.json: ')}") from None


def _asked(
    name: str,
    path: Path,
    settings: Settings,
    example: dict[str, Any],
    ask: Ask,
    environment: Mapping[str, str],
) -> dict[str, Any]:
    if not ask.possible:
        raise BoardError(
            f'there is no {path}: write one with agent = "http://HOST:8710" and [wifi] with ssid'
            " and password (tools/board/README.md), or flash at a terminal, which asks"
        )
    ask.say(f"There is no {path} yet; these answers make it. Ctrl-C leaves all as it is.")
    minimal = {field: example[field] for field in _IDENTITY}
    answers = ask_all(
        ask,
        settings.link.address,
        example["inputs"][0],
        lambda fields: check(minimal | fields),
        environment,
    )
    board_file.write(path, board_file.text(name, answers.agent, answers.wifi, answers.inputs))
    ask.say(f"wrote {path}: more inputs, sensors or a door go there")
    return answers.fields()


def _complete_wifi(
    table: dict[str, Any], path: Path, ask: Ask, environment: Mapping[str, str]
) -> None:
    """Put a missing password into `table`; into the file only if the person says so."""
    wifi = table.get("wifi")
    if not isinstance(wifi, dict):
        return
    if environment.get(PASSWORD):
        wifi["password"] = environment[PASSWORD]
    if "password" in wifi:
        return
    if not ask.possible:
        raise BoardError(
            f'{path}: wifi.password is missing ("" for an open network): write it there, or set'
            f" {PASSWORD} in the environment"
        )
    wifi["password"] = ask.secret(f"Wi-Fi password of {wifi.get('ssid')}, not shown")
    if not ask.yes(f"Keep it in {path}?", default=False):
        return
    document = board_file.with_password(path.read_text("utf-8"), wifi["password"])
    if document is None:
        ask.say(f"{path} has no line [wifi] to put it under; it stays as it is")
    else:
        board_file.write(path, document)


def _guardiankey(
    table: dict[str, Any], path: Path, device: Device, settings: Settings, agent_toml: Path
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The section with the account's ids and keys, and the files that it names."""
    section = table["guardiankey"]
    if not isinstance(section, dict):
        raise BoardError(
            f"{path}: guardiankey must be a table: write [guardiankey] on its own line"
        )
    for name in _ACCOUNT:
        if name in section:
            raise BoardError(
                f"{path}: guardiankey.{name} does not belong there: it comes from the account that"
                f" [guardiankey] account in {agent_toml} names"
            )
    account = settings.guardiankey.load_account()
    if account is None:
        raise BoardError(
            f"{path}: [guardiankey] needs an account: name its file under [guardiankey] account in"
            f" {agent_toml}; `thingwarden guardiankey register` makes one"
        )
    judged: dict[str, Any] = door_config(device, account)["guardiankey"] | section
    if judged["route"] != "rest":
        judged.pop("ca", None)
        return judged, {}
    if not isinstance(section.get("ca"), str):
        raise BoardError(
            f"{path}: guardiankey.ca is missing: by route rest the board verifies the service"
            ' itself; name the PEM or DER file of its CA\'s certificate, like ca = "ca.pem"'
        )
    return judged | {"ca": _CA}, {_CA: _certificate(path.parent / section["ca"], path)}


def _certificate(ca: Path, path: Path) -> bytes:
    """The one certificate in a PEM or DER file, as DER."""
    try:
        content = ca.read_bytes()
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or "no such name can be"
        raise BoardError(f"{path}: guardiankey.ca: {ca} cannot be read: {cause}") from None
    try:
        if _PEM.encode() in content:
            text = content.decode("ascii")
            if text.count(_PEM) > 1:
                raise BoardError(
                    f"{path}: guardiankey.ca: {ca} holds {text.count(_PEM)} certificates; a board"
                    " takes one, that of the CA: leave only it"
                )
            content = ssl.PEM_cert_to_DER_cert(text[text.index(_PEM) :].strip())
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=content)
    except (ValueError, ssl.SSLError):
        raise BoardError(f"{path}: guardiankey.ca: {ca} is no certificate in PEM or DER") from None
    return content
