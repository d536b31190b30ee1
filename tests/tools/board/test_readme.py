"""The board's file on the page about real boards is one."""

import re
from pathlib import Path

import pytest

from host_agent.store import Store
from tools.board.ask import Ask
from tools.board.provision import files_for

PAGE = Path(__file__).parents[3] / "tools/board/README.md"


def test_the_file_that_is_shown_becomes_a_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("agent.toml").touch(mode=0o600)
    Path("boards").mkdir(mode=0o700)
    Path("boards/bell.toml").touch(mode=0o600)
    (shown,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    Path("boards/bell.toml").write_text(shown)
    with Store.open(Path("thingwarden.db")) as store:
        store.add_device("bell", "Doorbell", "")
    config = files_for("bell", Path("agent.toml"), Path("boards"), Ask()).config
    assert config["device"] == "bell" and config["key"]
    assert config["agent"] == "http://192.168.1.10:8710"
    assert config["inputs"] == [{"kind": "button", "name": "bell", "pin": 14, "pull": "up"}]
