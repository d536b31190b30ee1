"""The section `commands` of config.json, checked, with every default filled in."""

from warden import config_checks as check
from warden.settings import ConfigError

_OUTPUT = ("pin", "active", "initial")
_FUNCTION = ("module",)
_LONGEST = 64
_LONGEST_MODULE = 32
_OURS = ("warden", "main", "boot")
_START = "start"


def commands(table, taken):
    """(name -> {pin, active, initial} of outputs, name -> module of functions); `taken` are the
    pins in use elsewhere."""
    if not isinstance(table, dict):
        raise ConfigError("commands: an object { ... }")
    outputs, functions = {}, {}
    used = list(taken)
    for name, output in table.items():
        if len(name) > _LONGEST or not name or not check.is_name(name) or name[0].isdigit():
            raise ConfigError(
                "commands: a name has 1 to 64 letters, digits and . _ -, a letter first"
            )
        where = "commands." + name
        if isinstance(output, dict) and "module" in output:
            functions[name] = _module(name, output, where)
            continue
        check.known(output, _OUTPUT, where)
        where += "."
        number = check.steady(output.get("pin"), where + "pin")
        if number in used:
            raise ConfigError("%spin: pin %d is in use already" % (where, number))
        used.append(number)
        outputs[name] = {
            "pin": number,
            "active": check.choice(output, "active", where, ("high", "low"), "high"),
            "initial": check.choice(output, "initial", where, ("on", "off"), "off"),
        }
    return outputs, functions


def _module(name, function, where):
    check.known(function, _FUNCTION, where)
    module = function["module"]
    if not isinstance(module, str) or not 1 <= len(module) <= _LONGEST_MODULE:
        raise ConfigError("%s.module: a text of 1 to %d characters" % (where, _LONGEST_MODULE))
    plain = all(c == "_" or "0" <= c <= "9" or "a" <= c.lower() <= "z" for c in module)
    if not plain or module[0].isdigit():
        raise ConfigError("%s.module: letters, digits and _ only, no digit first" % where)
    if module in _OURS:
        raise ConfigError("%s.module: %s is a name of the firmware's own" % (where, module))
    if name == _START:
        raise ConfigError("%s: `start` of a module is called at start; name it otherwise" % where)
    return module
