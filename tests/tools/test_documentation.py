"""A field that a person can set is documented where they look for it."""

import ast
from pathlib import Path

from host_agent.metrics import Metrics

ROOT = Path(__file__).parents[2]


def test_every_field_of_config_json_is_in_the_firmwares_readme() -> None:
    readme = (ROOT / "firmware/README.md").read_text()
    names = {"_TOP", "_WIFI", "_BUTTON", "_SWITCH", "_READINGS", "_ANALOG", "_DS18X20", "_DHT22"}
    names |= {"_BME280", "_OUTPUT", "_FUNCTION"}
    names |= {"_GUARDIANKEY", "_ACCESS", "_KEYPAD", "_WIEGAND", "_LOCK"}
    fields = {
        constant.value
        for module in ("config", "config_inputs", "config_commands", "config_access")
        for node in ast.parse((ROOT / f"firmware/warden/{module}.py").read_text()).body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in names
        for constant in ast.walk(node.value)
        if isinstance(constant, ast.Constant)
    }
    assert len(fields) > 50
    assert {field for field in fields if f"`{field}`" not in readme} == set()


def test_every_module_of_the_firmware_is_in_its_readme() -> None:
    readme = (ROOT / "firmware/README.md").read_text()
    modules = {path.stem for path in (ROOT / "firmware/warden").glob("[a-z]*.py")}
    assert {module for module in modules if f"| `{module}` |" not in readme} == set()


def test_every_metric_is_in_the_agents_readme() -> None:
    readme = (ROOT / "host_agent/README.md").read_text()
    names = {metric.name for metric in Metrics().registry.collect()}
    assert len(names) > 10
    assert {name for name in names if f"`{name}" not in readme} == set()
