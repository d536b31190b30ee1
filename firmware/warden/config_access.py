"""The sections `guardiankey` and `access` of config.json, checked, with every default filled in."""

from warden import VERSION
from warden import config_checks as check
from warden.settings import ConfigError, GuardianKeySettings

_GUARDIANKEY = (
    "route",
    "agent_id",
    "organization_id",
    "auth_group_id",
    "key",
    "iv",
    "service",
    "client_ip",
    "client_reverse",
    "user_agent",
    "api",
    "ca",
    "collector",
)
_ACCESS = (
    "name",
    "keypad",
    "wiegand",
    "lock",
    "no_verdict",
    "hard_notify",
    "lockout_after",
    "lockout_s",
)
_KEYPAD = ("rows", "columns", "keys", "enter", "clear")
_WIEGAND = ("d0", "d1")
_LOCK = ("pin", "active", "open_ms")

_RULES = ("closed", "open")
_KEYS = {3: "123456789*0#", 4: "123A456B789C*0#D"}
_COLLECTOR = "collector.guardiankey.net:8888"
_ORIGIN = "GuardianKey's registration gave it"
_ACCOUNT_BYTES = 790  # with the longest user and e-mail they fit into a frame, see route_relay
_LOOPBACK = ("127.0.0.1", "localhost")


def guardiankey(whole, device):
    """The section as GuardianKeySettings, None if there is none.

    `key` and `iv` are bytes; `client_ip` None stands for the station's address.
    """
    table = whole.get("guardiankey")
    if table is None:
        return None
    check.known(table, _GUARDIANKEY, "guardiankey")
    where = "guardiankey."
    account = GuardianKeySettings()
    account.route = check.choice(table, "route", where, ("relay", "udp", "rest"), "relay")
    account.agent_id = check.line(table, "agent_id", where, 64)
    account.organization_id = check.line(table, "organization_id", where, 64)
    account.auth_group_id = check.line(table, "auth_group_id", where, 64)
    if "|" in account.auth_group_id:  # it ends the id in a datagram
        raise ConfigError("guardiankey.auth_group_id: a text without |")
    account.key = check.secret(table, "key", where, 32, _ORIGIN)
    account.iv = check.secret(table, "iv", where, 16, _ORIGIN)
    account.service = check.line(table, "service", where, 64, device)
    account.client_ip = None
    if table.get("client_ip") is not None:
        account.client_ip = check.line(table, "client_ip", where, 45)
    account.client_reverse = check.line(table, "client_reverse", where, 253, "")
    _fits(account)
    agent = "ThingWarden/%s (%s)" % (VERSION, device)
    account.user_agent = check.line(table, "user_agent", where, 1000, agent)
    account.api = _api(table)
    account.ca = check.line(table, "ca", where, 64, "ca.der")
    account.collector = check.line(table, "collector", where, 256, _COLLECTOR)
    if not check.address(account.collector):
        raise ConfigError("guardiankey.collector: an address like host:8888")
    return account


def access(whole, settings, taken):
    """The section as a dict, None if there is none; `taken` are the pins in use elsewhere."""
    table = whole.get("access")
    if table is None:
        return None
    check.known(table, _ACCESS, "access")
    where = "access."
    account = settings.guardiankey
    if (account is None or account.route == "udp") and "no_verdict" not in table:
        raise ConfigError(
            "access.no_verdict: say closed or open; without guardiankey, or by route udp, "
            "a verdict never comes"
        )
    if (table.get("keypad") is None) == (table.get("wiegand") is None):
        raise ConfigError("access: one of keypad and wiegand, not both")
    checked = {
        "name": check.line(table, "name", where, 72, settings.device + " keypad"),
        "keypad": None,
        "wiegand": None,
        "lock": _lock(table.get("lock")),
        "no_verdict": check.choice(table, "no_verdict", where, _RULES, "closed"),
        "hard_notify": check.choice(table, "hard_notify", where, _RULES, "closed"),
        "lockout_after": check.whole(table, "lockout_after", where, 1, 100, 5),
        "lockout_s": check.whole(table, "lockout_s", where, 1, 3600, 60),
    }
    pins = [("lock.pin", checked["lock"]["pin"])]
    if table.get("keypad") is not None:
        keypad = checked["keypad"] = _keypad(table["keypad"])
        for side in ("rows", "columns"):
            pins += [("keypad.%s" % side, number) for number in keypad[side]]
    else:
        wiegand = checked["wiegand"] = _wiegand(table["wiegand"])
        pins += [("wiegand.%s" % field, wiegand[field]) for field in _WIEGAND]
    used = list(taken)
    for field, number in pins:
        if number in used:
            raise ConfigError("%s%s: pin %d is in use already" % (where, field, number))
        used.append(number)
    return checked


def _fits(account):
    fields = ("agent_id", "organization_id", "auth_group_id", "service", "client_ip")
    size = sum([len((getattr(account, field) or "").encode()) for field in fields])
    if account.route == "relay" and size > _ACCOUNT_BYTES:
        raise ConfigError(
            "guardiankey: %s have %d bytes of UTF-8 together; at most %d"
            % (", ".join(fields), size, _ACCOUNT_BYTES)
        )


def _lock(table):
    check.known(table, _LOCK, "access.lock")
    return {
        "pin": check.steady(table.get("pin"), "access.lock.pin"),
        "active": check.choice(table, "active", "access.lock.", ("high", "low"), "high"),
        "open_ms": check.whole(table, "open_ms", "access.lock.", 100, 600000, 3000),
    }


def _keypad(table):
    where = "access.keypad"
    check.known(table, _KEYPAD, where)
    rows, columns = table.get("rows"), table.get("columns")
    if not isinstance(rows, list) or len(rows) != 4:
        raise ConfigError("%s.rows: a list of 4 pins" % where)
    if not isinstance(columns, list) or len(columns) not in _KEYS:
        raise ConfigError("%s.columns: a list of 3 or 4 pins" % where)
    for number in rows:
        check.driving(number, where + ".rows")
    for number in columns:
        if check.is_input_only(check.pin(number, where + ".columns")):
            raise ConfigError("%s.columns: pins 34 to 39 have no pull-up" % where)
    keys = check.text(table, "keys", where + ".", 16, _KEYS[len(columns)])
    if sorted(keys) != sorted(_KEYS[len(columns)]):
        raise ConfigError("%s.keys: each of %s once, row by row" % (where, _KEYS[len(columns)]))
    special = [key for key in keys if not key.isdigit()]
    enter = check.choice(table, "enter", where + ".", special, "#")
    clear = check.choice(table, "clear", where + ".", special, "*")
    if enter == clear:
        raise ConfigError("%s.clear: another key than enter" % where)
    return {"rows": rows, "columns": columns, "keys": keys, "enter": enter, "clear": clear}


def _wiegand(table):
    check.known(table, _WIEGAND, "access.wiegand")
    return {field: check.pin(table.get(field), "access.wiegand." + field) for field in _WIEGAND}


def _api(table):
    url = check.line(table, "api", "guardiankey.", 256, "https://api.guardiankey.io").rstrip("/")
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    place = check.address(host, 443)
    safe = scheme == "https" or (scheme == "http" and host.split(":")[0] in _LOOPBACK)
    if not place or not safe or not all("!" <= c <= "~" and c not in "?#@" for c in path):
        raise ConfigError("guardiankey.api: an address like https://api.guardiankey.io")
    return url
