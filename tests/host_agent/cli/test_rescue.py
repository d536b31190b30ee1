import asyncio
import json
import stat
from pathlib import Path

from host_agent.store import Accepted, Report, Stale, Store


def report(store: Store, name: str, boot: int, frame: int) -> Report:
    device = store.device(name)
    assert device is not None
    return Report(name, device.key, boot, frame, received_ms=1_800_000_000_000)


def key(store: Path) -> bytes:
    with Store.open(store) as opened:
        device = opened.device("door")
        assert device is not None
        return device.key


def test_devices_move_to_a_new_store_with_keys_and_counters(ready, tmp_path: Path) -> None:
    old = tmp_path / "thingwarden.db"
    with Store.open(old) as store:
        asyncio.run(store.accept(report(store, "door", 7, 3)))
    before = key(old)
    assert ready("backup", "devices.json").out == "wrote 1 devices to devices.json\n"
    assert stat.S_IMODE((tmp_path / "devices.json").stat().st_mode) == 0o600
    for file in tmp_path.glob("thingwarden.db*"):
        file.unlink()
    assert ready("restore", "devices.json").out == "1 devices are back\n"
    assert key(old) == before
    with Store.open(old) as store:
        assert asyncio.run(store.accept(report(store, "door", 7, 99))) == Stale(7)
        assert isinstance(asyncio.run(store.accept(report(store, "door", 8, 1))), Accepted)


def test_a_restore_never_turns_counters_back(ready, tmp_path: Path) -> None:
    ready("backup", "devices.json")
    with Store.open(tmp_path / "thingwarden.db") as store:
        asyncio.run(store.accept(report(store, "door", 7, 3)))
    assert ready("restore", "devices.json").out == "0 devices are back\n"
    with Store.open(tmp_path / "thingwarden.db") as store:
        assert asyncio.run(store.accept(report(store, "door", 7, 3))) == Stale(7)
        assert isinstance(asyncio.run(store.accept(report(store, "door", 7, 4))), Accepted)


def test_a_device_that_is_here_goes_on_undisturbed(ready, tmp_path: Path) -> None:
    with Store.open(tmp_path / "thingwarden.db") as store:
        asyncio.run(store.accept(report(store, "door", 7, 3)))
    ready("backup", "devices.json")
    assert ready("restore", "devices.json").out == "0 devices are back\n"
    with Store.open(tmp_path / "thingwarden.db") as store:
        assert isinstance(asyncio.run(store.accept(report(store, "door", 7, 4))), Accepted)


def test_a_device_that_comes_back_keeps_the_higher_counters(ready, tmp_path: Path) -> None:
    ready("backup", "devices.json")
    with Store.open(tmp_path / "thingwarden.db") as store:
        asyncio.run(store.accept(report(store, "door", 7, 3)))
    ready("device", "remove", "door")
    assert ready("restore", "devices.json").out == "1 devices are back\n"
    with Store.open(tmp_path / "thingwarden.db") as store:
        assert asyncio.run(store.accept(report(store, "door", 7, 3))) == Stale(7)
        assert isinstance(asyncio.run(store.accept(report(store, "door", 7, 4))), Accepted)


def test_a_removed_device_comes_back_and_one_with_another_key_is_left_alone(
    ready, tmp_path: Path
) -> None:
    store = tmp_path / "thingwarden.db"
    before = key(store)
    ready("backup", "devices.json")
    ready("device", "remove", "door")
    assert ready("restore", "devices.json").out == "1 devices are back\n"
    assert key(store) == before
    ready("device", "remove", "door")
    ready("device", "add", "door", "--type", "Lock")
    other = key(store)
    outcome = ready("restore", "devices.json")
    assert outcome.code == 1 and "another key" in outcome.err
    assert key(store) == other


def test_what_is_no_backup_is_refused(ready, tmp_path: Path) -> None:
    ready("backup", "good.json")
    good = json.loads((tmp_path / "good.json").read_bytes())
    spoilt = json.dumps([good[0] | {"key": "c2hvcnQ="}]).encode()
    for content in (b"", b"{", b"[1]", b"\xff", json.dumps([{"name": "x"}]).encode(), spoilt):
        (tmp_path / "devices.json").write_bytes(content)
        outcome = ready("restore", "devices.json")
        assert outcome.code == 1 and "no backup" in outcome.err
    assert ready("restore", "nowhere.json").code == 2
    assert ready("backup", "devices.json").code == 1  # never over a file that is there
