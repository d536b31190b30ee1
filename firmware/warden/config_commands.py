"""The section `commands` of config.json, checked, with every default filled in."""

from warden import config_checks as check
from warden.settings import ConfigError

_OUTPUT = ("pin", "active", "initial")
_LONGEST = 64


def commands(table, taken):
    """name -> {pin, active, initial}; `taken` are the pins in use elsewhere."""
    if not isinstance(table, dict):
        raise ConfigError("commands: an object { ... }")
    checked = {}
    used = list(taken)
    for name, output in table.items():
        if len(name) > _LONGEST or not name or not check.is_name(name) or name[0].isdigit():
            raise ConfigError(
                "commands: a name has 1 to 64 letters, digits and . _ -, a letter first"
            )
        where = "commands." + name
        check.known(output, _OUTPUT, where)
        where += "."
        number = check.steady(output.get("pin"), where + "pin")
        if number in used:
            raise ConfigError("%spin: pin %d is in use already" % (where, number))
        used.append(number)
        checked[name] = {
            "pin": number,
            "active": check.choice(output, "active", where, ("high", "low"), "high"),
            "initial": check.choice(output, "initial", where, ("on", "off"), "off"),
        }
    return checked
