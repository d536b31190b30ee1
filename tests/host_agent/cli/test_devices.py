import base64
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from host_agent.store import Store


def listed(warden) -> list[dict[str, object]]:
    return json.loads(warden("device", "list", "--json").out)


def test_a_device_can_be_added_listed_and_removed(ready) -> None:
    assert "door  Lock  hq     never" in ready("device", "list").out
    assert listed(ready) == [
        {
            "name": "door",
            "type": "Lock",
            "group": "hq",
            "last_seen_ms": None,
            "boot": 0,
            "queue": None,
            "lost": 0,
            "stale": 0,
            "rotating": False,
        }
    ]
    assert ready("device", "remove", "door").code == 0
    assert listed(ready) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "door", "--type", "Lock"],
        ["add", "no spaces", "--type", "Lock"],
        ["remove", "nobody"],
        ["config", "nobody", "--agent", "http://a:1", "--out", "x.json"],
    ],
)
def test_what_cannot_be_done_is_one_clear_line(ready, arguments: list[str]) -> None:
    outcome = ready("device", *arguments)
    assert outcome.code == 1
    assert outcome.err.startswith("thingwarden: ")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["add", "x"], ["add", "--type", "x"], ["frob"], ["list", "x"]]
)
def test_a_wrong_command_line_is_exit_code_2(ready, arguments: list[str]) -> None:
    outcome = ready("device", *arguments)
    assert outcome.code == 2
    assert "Traceback" not in outcome.err + outcome.out


def test_the_board_config_holds_what_a_board_needs(ready, tmp_path: Path) -> None:
    out = tmp_path / "config.json"
    agent = "http://192.168.1.10:8710"
    assert ready("device", "config", "door", "--agent", agent, "--out", out).code == 0
    assert out.stat().st_mode & 0o777 == 0o600
    config = json.loads(out.read_text())
    with Store.open(tmp_path / "thingwarden.db") as store:
        assert base64.b64decode(config.pop("key"), validate=True) == store.device("door").key
    assert config.pop("inputs")[0]["kind"] == "button"
    assert config == {
        "device": "door",
        "boot_floor": 0,
        "agent": agent,
        "wifi": {"ssid": "", "password": ""},
        "poll_s": 5,
    }


def test_a_board_config_is_replaced_only_by_force(ready, tmp_path: Path) -> None:
    out = tmp_path / "config.json"
    out.write_text("mine")
    out.chmod(0o644)
    command = ("device", "config", "door", "--agent", "http://a:8710", "--out", out)
    outcome = ready(*command)
    assert (outcome.code, out.read_text()) == (2, "mine")
    assert "--force" in outcome.err
    assert ready(*command, "--force").code == 0
    assert out.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("agent", ["http://a", "http://a:8710/", "http://10.0.0.1:1/link/x"])
def test_an_address_that_boards_use_is_taken(ready, agent: str, tmp_path: Path) -> None:
    out = tmp_path / "config.json"
    assert ready("device", "config", "door", "--agent", agent, "--out", out).code == 0
    assert json.loads(out.read_text())["agent"] == agent


def test_force_replaces_nothing_but_a_file(ready, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "link").symlink_to("mine")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    before = {path: path.lstat().st_ino for path in tmp_path.iterdir()}
    for out in ("link", "directory", "pipe", ".", "/dev/null"):
        outcome = ready("device", "config", "door", "--agent", "http://a", "--out", out, "--force")
        assert outcome.code == 2
        assert f"{out} is not a regular file" in outcome.err
    assert {path: path.lstat().st_ino for path in before} == before


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_file_that_cannot_be_there_is_told(ready, tmp_path: Path, force: list[str]) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for out in ("x" * 300, "loop/x", "agent.toml/x", "nowhere/x"):
        outcome = ready("device", "config", "door", "--agent", "http://a", "--out", out, *force)
        assert outcome.code == 1
        assert outcome.err.startswith(f"thingwarden: {out} cannot be written: ")
        assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    "agent",
    [
        "192.168.1.10",
        "https://a:8710",
        "HTTP://a",
        "http://",
        "http://:8710",
        "http://a:port",
        "http://a:0",
        "http://a:65536",
        "http://[::1]:8710",
        "http://a/?q",
        "http://a/#q",
        "http://a/@",
        "http://u@a/",
        "http://a /x",
        "http://a\t",
        "http://a/\x7f",
        "http://caf\xe9/",
        "http://\udcff/",
        "http://a/" + "x" * 256,
    ],
)
def test_an_address_no_board_could_use_is_refused(ready, agent: str, tmp_path: Path) -> None:
    out = tmp_path / "config.json"
    assert ready("device", "config", "door", "--agent", agent, "--out", out).code == 2
    assert not out.exists()


def test_no_command_shows_the_key(ready, tmp_path: Path) -> None:
    shown = ready("device", "list").out + ready("device", "list", "--json").out
    shown += ready("device", "config", "door", "--agent", "http://a:8710", "--out", "x.json").out
    key = json.loads((tmp_path / "x.json").read_text())["key"]
    assert key not in shown


def test_the_settings_file_may_be_elsewhere(ready, tmp_path: Path, monkeypatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    ready("init", "--dir", elsewhere)
    assert (
        json.loads(ready("device", "list", "--json", "--config", elsewhere / "agent.toml").out)
        == []
    )
    monkeypatch.setenv("THINGWARDEN_CONFIG", str(elsewhere / "agent.toml"))
    assert listed(ready) == []


def test_without_settings_the_way_to_get_them_is_told(warden) -> None:
    outcome = warden("device", "list")
    assert outcome.code == 2
    assert "thingwarden init" in outcome.err


DOOR = ("device", "config", "door", "--agent", "http://a:8710", "--door", "--out")

CHECK = """
from warden.config import load
found = load()
lock = found.access["lock"]
print(found.access["no_verdict"], lock["pin"], found.access["keypad"]["keys"])
print(found.guardiankey and found.guardiankey.key)
print(found.guardiankey and found.guardiankey.agent_id)
"""


def board_takes(path: Path) -> list[str]:
    """What the real firmware reads from a config.json, once its Wi-Fi is filled in."""
    content = json.loads(path.read_text())
    content["wifi"]["ssid"] = "home"
    path.write_text(json.dumps(content))
    root = Path(__file__).parents[3]
    places = [root / "firmware", root / "tools/simulator/board", ".frozen"]
    done = subprocess.run(
        [Path(sys.executable).with_name("micropython"), "-c", CHECK],
        cwd=path.parent,
        env=os.environ | {"MICROPYPATH": ":".join(map(str, places))},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_a_doors_config_has_the_account_and_an_example_that_a_board_takes(
    ready, tmp_path: Path, account
) -> None:
    (tmp_path / "keys").mkdir()
    account.save(tmp_path / "keys" / "guardiankey.toml")
    settings = tmp_path / "agent.toml"
    settings.write_text('[guardiankey]\naccount = "keys/guardiankey.toml"\n')
    out = tmp_path / "config.json"
    outcome = ready(*DOOR, out)
    assert outcome.code == 0, outcome.err
    assert out.stat().st_mode & 0o777 == 0o600
    assert json.loads(out.read_text())["guardiankey"] == {
        "route": "relay",
        "agent_id": "agent-1-door",
        "organization_id": account.organization_id,
        "auth_group_id": account.auth_group_id,
        "key": account.key_text,
        "iv": account.iv_text,
    }
    assert account.key_text not in outcome.out + outcome.err
    assert board_takes(out) == ["closed 23 123456789*0#", repr(account.key), "agent-1-door"]


@pytest.fixture
def doors_of(ready, tmp_path: Path, account):
    """doors_of(**fields) writes the config of two doors with long names, for an account with these
    fields; the outcomes of the commands."""

    def doors_of(**fields: str) -> list[object]:
        replace(account, **fields).save(tmp_path / "guardiankey.toml", replace=True)
        (tmp_path / "agent.toml").write_text('[guardiankey]\naccount = "guardiankey.toml"\n')
        outcomes = []
        for number in (1, 2):
            name, out = "x" * 63 + str(number), tmp_path / str(number) / "config.json"
            out.parent.mkdir()
            ready("device", "add", name, "--type", "Lock")
            arguments = ("--agent", "http://a:8710", "--door", "--out", out)
            outcomes.append(ready("device", "config", name, *arguments))
        return outcomes

    return doors_of


@pytest.mark.parametrize("length", [1, 64, 256])
def test_every_board_has_an_agent_id_of_its_own_that_it_takes(doors_of, tmp_path, length) -> None:
    ids = {"organization_id": "o" * 64, "auth_group_id": "g" * 64}
    assert [outcome.code for outcome in doors_of(agent_id="a" * length, **ids)] == [0, 0]
    agents = [board_takes(tmp_path / name / "config.json")[-1] for name in ("1", "2")]
    assert len(set(agents)) == 2
    assert {len(agent) for agent in agents} == {64}


@pytest.mark.parametrize("field", ["organization_id", "auth_group_id"])
def test_an_account_that_no_board_takes_is_told_and_nothing_written(
    doors_of, tmp_path: Path, field: str
) -> None:
    for outcome in doors_of(**{field: "x" * 65}):
        assert outcome.code == 2
        assert f"its {field} has 65 characters, and a board takes 64" in outcome.err
    assert not list(tmp_path.glob("*/config.json"))


def test_a_door_without_an_account_stays_shut_and_says_so(ready, tmp_path: Path) -> None:
    out = tmp_path / "config.json"
    outcome = ready(*DOOR, out)
    assert outcome.code == 0
    assert "no account" in outcome.out and "no_verdict" in outcome.out
    assert "guardiankey" not in json.loads(out.read_text())
    assert board_takes(out) == ["closed 23 123456789*0#", "None", "None"]


def test_an_account_that_cannot_be_read_is_told_and_nothing_written(ready, tmp_path: Path) -> None:
    (tmp_path / "agent.toml").write_text('[guardiankey]\naccount = "gone.toml"\n')
    outcome = ready(*DOOR, tmp_path / "config.json")
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert "[guardiankey] account: " in outcome.err and "gone.toml" in outcome.err
    assert not (tmp_path / "config.json").exists()
