import grp
import shutil
import subprocess
from pathlib import Path

import pytest

from host_agent.cli.templates import systemd_unit


def test_init_makes_a_private_settings_file_that_works(warden, tmp_path: Path) -> None:
    assert warden("init").code == 0
    assert (tmp_path / "agent.toml").stat().st_mode & 0o777 == 0o600
    assert warden("device", "list").code == 0


@pytest.mark.usefixtures("ready")
def test_what_holds_keys_is_not_committed(tmp_path: Path) -> None:
    """By somebody who works in a checkout, as the README has it."""
    shutil.copy(Path(__file__).parents[3] / ".gitignore", tmp_path)
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards/door.toml").touch()
    (tmp_path / "guardiankey.toml").touch()
    assert (tmp_path / "thingwarden.db.devices.json").exists()
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    told = subprocess.check_output(["git", "status", "--porcelain"], cwd=tmp_path, text=True)
    assert told == "?? .gitignore\n"


def test_init_elsewhere_makes_the_directory(warden, tmp_path: Path) -> None:
    assert warden("init", "--dir", tmp_path / "a" / "b").code == 0
    assert (tmp_path / "a" / "b" / "agent.toml").exists()


def test_init_overwrites_nothing(warden, tmp_path: Path) -> None:
    (tmp_path / "agent.toml").write_text("mine")
    outcome = warden("init")
    assert outcome.code == 1
    assert "agent.toml is there already" in outcome.err
    assert (tmp_path / "agent.toml").read_text() == "mine"


def test_init_where_nothing_can_be_made_is_told(warden, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outcome = warden("init", "--dir", tmp_path / "file" / "x")
    assert outcome.code == 1
    assert outcome.err.startswith("thingwarden: ")


@pytest.mark.parametrize("name", ["n\udcff", "n\nx"])
def test_a_directory_that_a_unit_cannot_name_is_left_alone(
    warden, tmp_path: Path, name: str
) -> None:
    outcome = warden("init", "--dir", tmp_path / name)
    assert outcome.code == 2
    assert outcome.err.startswith("thingwarden: ") and outcome.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_init_in_a_deleted_directory_is_told(warden, tmp_path: Path) -> None:
    tmp_path.rmdir()
    try:
        outcome = warden("init")
    finally:
        tmp_path.mkdir()
    assert outcome.code == 1
    assert outcome.err.startswith("thingwarden: ") and outcome.err.count("\n") == 1


def test_the_unit_has_absolute_paths_and_tells_how_to_install_it(warden, tmp_path: Path) -> None:
    warden("init")
    unit = (tmp_path / "thingwarden.service").read_text()
    assert f'-m host_agent run --config "{tmp_path / "agent.toml"}"' in unit
    assert f'ReadWritePaths="{tmp_path}"' in unit
    assert f"#   sudo cp {tmp_path / 'thingwarden.service'} /etc/systemd/system/" in unit


def test_the_unit_lets_the_agent_use_serial_ports() -> None:
    lines = systemd_unit(Path("/srv/agent.toml"), "/usr/bin/python3", "warden").splitlines()
    assert "PrivateDevices=yes" not in lines
    assert {"DevicePolicy=closed", "DeviceAllow=char-ttyUSB rw", "DeviceAllow=char-ttyACM rw"} <= {
        *lines
    }
    groups = [line for line in lines if line.startswith("SupplementaryGroups=")]
    known = {group.gr_name for group in grp.getgrall()}
    assert groups == ["SupplementaryGroups=dialout"] * ("dialout" in known)


def test_an_odd_path_is_quoted_as_systemd_reads_it() -> None:
    unit = systemd_unit(Path('/srv/50% "$x"/agent.toml'), "/usr/bin/python3", "warden")
    assert r'--config "/srv/50%% \"$$x\"/agent.toml"' in unit
    assert r'ReadWritePaths="/srv/50%% \"$x\""' in unit


@pytest.mark.parametrize(
    "command",
    [
        "access",
        "attempts",
        "device",
        "events",
        "guardiankey",
        "notifications",
        "run",
        "send",
        "serial",
    ],
)
def test_help_teaches_every_command(warden, command: str) -> None:
    outcome = warden(command, "--help")
    assert outcome.code == 0
    assert f"thingwarden {command}" in outcome.out


def test_help_shows_the_first_steps(warden) -> None:
    assert "thingwarden device add front-door" in warden("--help").out
