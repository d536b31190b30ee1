"""The calls that the page about the console shows do what it says."""

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import requests

from host_agent.store import Store

PAGE = Path(__file__).parents[4] / "host_agent/console/README.md"
HERE = "http://127.0.0.1:8711"


def shown() -> list[str]:
    """The lines about curl, each whole."""
    (block,) = re.findall(r"```sh\n(read .*?)```", PAGE.read_text(), re.DOTALL)
    return block.replace("\\\n", "").splitlines()


def curl(line: str, url: str, folder: Path) -> requests.Response:
    """As curl would do it, which not every machine has."""
    program, *words = shlex.split(line.replace(HERE, url), comments=True)
    assert program == "curl"
    headers, data, method, address = {}, None, "GET", words.pop()
    for option, value in zip(words[::2], words[1::2], strict=True):
        match option:
            case "-H":
                text = (folder / value[1:]).read_text() if value.startswith("@") else value
                name, _, text = text.strip().partition(": ")
                headers[name] = text
            case "-d":
                data, method = value, "POST"
            case _:
                raise AssertionError(f"curl {option}")
    return requests.request(method, address, headers=headers, data=data, timeout=60)


def test_a_command_is_given_and_looked_after_as_shown(
    console, store: Store, issue: Callable[..., str], tmp_path: Path
) -> None:
    store.add_device("hvac", "Thermostat", "")
    *keep, give, look = shown()
    script, token = "\n".join(keep), issue("read", "commands:hvac:power")
    subprocess.run(["bash", "-c", script], cwd=tmp_path, input=f"{token}\n", text=True, check=True)
    assert (tmp_path / "heating.header").stat().st_mode & 0o777 == 0o600
    given = curl(give, console.url, tmp_path)
    assert given.status_code == 202
    look = re.sub(r"commands/\d+", f"commands/{given.json()['id']}", look)
    looked = curl(look, console.url, tmp_path).json()
    assert (looked["name"], looked["value"], looked["state"]) == ("power", True, "open")
