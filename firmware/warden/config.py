"""config.json: read once at start and checked as a whole, before anything runs."""

import json
import os

from warden import config_checks as check
from warden import config_inputs
from warden.settings import ConfigError, Settings

_LONGEST = 8192
_BOOT_MAX = 0x7FFF0000  # the agent refuses what is above

_TOP = (
    "device",
    "key",
    "boot_floor",
    "agent",
    "wifi",
    "poll_s",
    "watchdog_s",
    "inputs",
    "commands",
    "guardiankey",
    "access",
)
_WIFI = ("ssid", "password")
_SSID = 32  # bytes (IEEE 802.11); the Wi-Fi driver cuts off a longer one without a word


def load(directory=""):
    """The Settings in `<directory>config.json`, whose files are looked up in `directory` too.

    ConfigError if it is missing, no JSON, or wrong in any field.
    """
    path = directory + "config.json"
    try:
        if os.stat(path)[6] > _LONGEST:
            raise ConfigError("%s is longer than %d bytes" % (path, _LONGEST))
        with open(path) as file:
            table = json.load(file)
    except OSError:
        raise ConfigError("there is no %s on the board" % path) from None
    except (ValueError, UnicodeError, MemoryError, RuntimeError):
        raise ConfigError("%s is not JSON" % path) from None
    settings = checked(table)
    if settings.guardiankey and not settings.guardiankey.ca.startswith("/"):
        settings.guardiankey.ca = directory + settings.guardiankey.ca
    return settings


def checked(table):
    """The Settings that a table of config.json's fields makes. ConfigError if any is wrong.

    `inputs` is a list of dicts, `commands` a dict of dicts (outputs), `functions` one of texts
    (commands' names to modules'); `ssid` is None without Wi-Fi;
    `guardiankey` (GuardianKeySettings) and `access` (a dict) are None where the table has none.
    """
    check.known(table, _TOP, "config.json")
    settings = Settings()
    settings.device = check.text(table, "device", "", 64)
    if not check.is_name(settings.device):
        raise ConfigError("device: letters, digits and . _ - only, a letter or digit first")
    settings.key = check.secret(table, "key", "", 32, "`thingwarden device config` writes it")
    settings.boot_floor = check.whole(table, "boot_floor", "", 0, _BOOT_MAX, 0)
    settings.agent = _agent(table)
    settings.ssid = settings.password = None
    wifi = table.get("wifi")
    if wifi is not None:
        check.known(wifi, _WIFI, "wifi")
        settings.ssid = check.text(wifi, "ssid", "wifi.", _SSID)
        if len(settings.ssid.encode()) > _SSID:
            raise ConfigError("wifi.ssid: at most %d bytes as UTF-8" % _SSID)
        settings.password = check.text(wifi, "password", "wifi.", 64, "")
    settings.poll_s = check.whole(table, "poll_s", "", 1, 3600, 5)
    settings.watchdog_s = check.whole(table, "watchdog_s", "", 0, 3600, 60)
    settings.inputs = config_inputs.inputs(table.get("inputs", []), settings.ssid is not None)
    pins = config_inputs.pins(settings.inputs)
    settings.commands, settings.functions = {}, {}
    if table.get("commands") is not None:
        from warden import config_commands  # heap that a board without them keeps

        outputs, functions = config_commands.commands(table["commands"], pins)
        settings.commands, settings.functions = outputs, functions
        pins += [output["pin"] for output in outputs.values()]
    settings.guardiankey = settings.access = None
    if "guardiankey" in table or "access" in table:
        from warden import config_access  # heap that a board without a door keeps

        settings.guardiankey = config_access.guardiankey(table, settings.device)
        settings.access = config_access.access(table, settings, pins)
    return settings


def _agent(table):
    url = check.text(table, "agent", "", 256)
    if url == "serial":
        return url
    place = url[7:].partition("/")
    usable = url.startswith("http://") and check.address(place[0], 80)
    if not usable or not all("!" <= c <= "~" and c not in "?#@" for c in url):
        raise ConfigError('agent: an address like http://192.168.1.10:8710, or "serial"')
    return url.rstrip("/")
