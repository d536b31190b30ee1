"""What a person can set, run or follow is documented where they look for it, as it is."""

import ast
import re
import shlex
from pathlib import Path

import pytest

from host_agent.cli import app as thingwarden
from host_agent.config import load_settings
from host_agent.metrics import Metrics
from host_agent.webhook import PATH as WEBHOOK_PATH

ROOT = Path(__file__).parents[1]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for pattern in ("*.md", "firmware/**/*.md", "host_agent/**/*.md", "tools/**/*.md")
    for path in sorted(ROOT.glob(pattern))
}


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGES[page], re.DOTALL)


def links(page: str) -> list[tuple[str, str]]:
    """(path of a file, anchor or "") of each link to something in this repository."""
    targets = re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", PAGES[page])
    here = (ROOT / page).parent
    return [
        (str((here / path).resolve().relative_to(ROOT)) if path else page, anchor)
        for path, anchor in targets
    ]


def anchors(page: str) -> set[str]:
    """Of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", PAGES[page], re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_found_from_the_first() -> None:
    found = {"README.md"}
    while news := {target for page in found for target, _ in links(page)} & PAGES.keys() - found:
        found |= news
    assert PAGES.keys() - found == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for target, anchor in links(page):
        assert (ROOT / target).exists(), target
        assert not anchor or anchor in anchors(target), f"{target}#{anchor}"


@pytest.mark.parametrize("page", [page for page in PAGES if "thingwarden " in PAGES[page]])
def test_every_command_that_is_shown_is_one(page: str) -> None:
    """In a block with its arguments, in a sentence by its name."""
    shown = re.findall(
        r"^(?:.venv/bin/)?thingwarden (.*)", "".join(blocks(page, "sh")), re.MULTILINE
    )
    for arguments in shown:
        words = shlex.split(arguments, comments=True)
        thingwarden.parse_args(words, exit_on_error=False, print_error=False)
    for group, command in re.findall(r"`thingwarden ([a-z]+) ?([a-z]*)", PAGES[page]):
        named = thingwarden[group]
        assert named.default_command is not None or command in named, f"{group} {command}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("host_agent/")])
def test_every_part_of_agent_toml_that_is_shown_can_be_loaded(page: str, tmp_path: Path) -> None:
    for block in blocks(page, "toml"):
        (tmp_path / "agent.toml").write_text(block)
        load_settings(tmp_path / "agent.toml")


def test_the_proxy_that_is_shown_passes_on_what_the_webhook_takes() -> None:
    (proxy,) = blocks("host_agent/README.md", "nginx")
    assert f"location = {WEBHOOK_PATH} {{" in proxy


def test_every_field_of_config_json_is_in_the_firmwares_readme() -> None:
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
    assert {field for field in fields if f"`{field}`" not in PAGES["firmware/README.md"]} == set()


def test_every_module_of_the_firmware_is_in_its_readme() -> None:
    page = PAGES["firmware/README.md"]
    modules = {path.stem for path in (ROOT / "firmware/warden").glob("[a-z]*.py")}
    assert {module for module in modules if f"| `{module}` |" not in page} == set()


def test_every_metric_is_in_the_agents_readme() -> None:
    names = {metric.name for metric in Metrics().registry.collect()}
    assert len(names) > 10
    assert {name for name in names if f"`{name}" not in PAGES["host_agent/README.md"]} == set()
