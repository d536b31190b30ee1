"""`thingwarden device rotate`, and the config of a board on a cable."""

import json
from base64 import b64decode
from pathlib import Path

from host_agent.store import Store


def written(ready, out: Path, *arguments: str) -> dict[str, object]:
    outcome = ready("device", "config", "door", *arguments, "--out", out, "--force")
    assert outcome.code == 0, outcome.err
    config = json.loads(out.read_text())
    assert config["key"] not in outcome.out + outcome.err
    return config


def test_a_rotated_device_gets_its_next_key_into_its_config(ready, tmp_path: Path) -> None:
    out = tmp_path / "config.json"
    before = written(ready, out, "--agent", "http://a:8710")
    outcome = ready("device", "rotate", "door")
    assert outcome.code == 0
    assert "make flash PORT=... DEVICE=door" in outcome.out
    after = written(ready, out, "--agent", "http://a:8710")
    with Store.open(tmp_path / "thingwarden.db") as store:
        keys = store.device("door").keys
    assert tuple(b64decode(str(config["key"])) for config in (before, after)) == keys
    assert before | {"key": ""} == after | {"key": ""}
    for key in keys:
        assert key.hex() not in outcome.out


def test_the_list_shows_that_a_rotation_waits(ready) -> None:
    assert "rotating" not in ready("device", "list").out
    ready("device", "rotate", "door")
    shown = ready("device", "list").out
    assert "a next key waits for its board's first frame: door" in shown
    assert json.loads(ready("device", "list", "--json").out)[0]["rotating"] is True


def test_only_a_device_is_rotated(ready) -> None:
    outcome = ready("device", "rotate", "nobody")
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)


def test_a_board_on_a_cable_has_no_wifi(ready, tmp_path: Path) -> None:
    config = written(ready, tmp_path / "config.json", "--agent", "serial")
    assert config["agent"] == "serial"
    assert "wifi" not in config
