"""Opening: a new store, a damaged one, one that cannot be used."""

import asyncio
import logging
import resource
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing, suppress

import pytest

from host_agent.store import Accepted, Stale, Store, StoreDamaged, StoreError, file_check, writer
from tests.host_agent.store.file import alter


def damage(path, start=4096):
    """Overwrite tables in the file; connections to it have them neither in -wal nor in memory."""
    with closing(sqlite3.connect(path)) as other:
        with other:
            other.execute("UPDATE totals SET events = events")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * 16_000)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_all_files_are_private(path, board, store):
    asyncio.run(store.accept(board.report(1)))

    files = {file.name: mode(file) for file in path.parent.iterdir()}
    assert set(files.values()) == {0o600}
    assert {"agent.db", "agent.db-wal", "agent.db.devices.json"} <= set(files)


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(StoreError, match="no directory"):
        Store.open(tmp_path / "nowhere" / "agent.db")


def test_a_path_that_cannot_be_a_file(tmp_path):
    with pytest.raises(StoreError, match="is a directory"):
        Store.open(tmp_path)
    (tmp_path / "circle.db").symlink_to("circle.db")
    with pytest.raises(StoreError, match=r"circle\.db"):
        Store.open(tmp_path / "circle.db")


def test_a_database_of_something_else_is_left_alone(path):
    alter(path, "CREATE TABLE diary (day TEXT)")

    with pytest.raises(StoreError, match="something else"):
        Store.open(path)
    assert not list(path.parent.glob("*.damaged-*"))


def test_a_store_of_a_newer_version_is_left_alone(path):
    Store.open(path).close()
    alter(path, "PRAGMA user_version = 99")

    with pytest.raises(StoreError, match="newer"):
        Store.open(path)


@pytest.mark.parametrize("how", ["overwritten", "not a database", "emptied", "lost"])
def test_devices_come_back_after_a_damage(path, board_of, caplog, how):
    with Store.open(path) as store:
        door = store.add_device("door", "lock", "hq")
        store.add_device("gate", "lock")
        store.remove_device("gate")
        board = board_of(door)
        asyncio.run(store.accept(board.report(1, 2)))
    if how == "overwritten":
        damage(path)
    elif how == "not a database":
        path.write_bytes(b"-- not a database --" * 1000)
    elif how == "emptied":
        path.write_bytes(b"")
    else:
        path.unlink()

    with caplog.at_level(logging.ERROR), Store.open(path) as store:
        (back,) = store.devices()
        assert (back.name, back.type, back.group, back.key) == ("door", "lock", "hq", door.key)
        assert back.acked == (1, 2)
        assert store.add_device("gate", "lock").boot == 0

        assert asyncio.run(store.accept(board.report(3))) == Stale(boot=1), "could be a replay"
        board.boot = 2
        assert isinstance(asyncio.run(store.accept(board.report(3, frame=1))), Accepted)

    assert "devices come back" in caplog.text
    kept = [file.name for file in path.parent.glob("*.damaged-*")]
    assert bool(kept) == (how in ("overwritten", "not a database"))


def test_counters_of_a_removed_device_come_back_too(path, board_of):
    with Store.open(path) as store:
        board = board_of(store.add_device("door", "lock"))
        asyncio.run(store.accept(board.report(1)))
        store.remove_device("door")
    path.unlink()

    with Store.open(path) as store:
        assert store.devices() == []
        assert store.add_device("door", "lock").boot == 1


def test_a_copy_that_cannot_be_read_is_not_overwritten(path):
    with Store.open(path) as store:
        store.add_device("door", "lock")
    path.unlink()
    copy = path.with_name("agent.db.devices.json")
    copy.write_text("[{]")

    with pytest.raises(StoreError, match=r"agent\.db\.devices\.json"):
        Store.open(path)
    assert copy.read_text() == "[{]"


def test_the_copy_is_there_as_soon_as_a_device_is_added(path, store):
    store.add_device("door", "lock")
    assert '"door"' in path.with_name("agent.db.devices.json").read_text()


def test_a_copy_that_could_not_be_written_is_told_once_and_written_later(path, caplog):
    copy = path.with_name("agent.db.devices.json")
    with Store.open(path) as store:
        copy.mkdir()
        store.add_device("door", "lock")
        store.add_device("gate", "lock")
        copy.rmdir()
    assert '"door"' in copy.read_text()
    assert caplog.text.count("the copy for a rescue") == 1


def test_a_store_in_use_is_never_set_aside(path, store, board):
    asyncio.run(store.accept(board.report(1)))
    damage(path, start=0)

    command = "import sys; from pathlib import Path; from host_agent.store import Store\n"
    command += "Store.open(Path(sys.argv[1]))"
    other = subprocess.run(
        [sys.executable, "-c", command, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "StoreDamaged" in other.stderr
    assert not list(path.parent.glob("*.damaged-*"))


def test_damage_found_while_running_ends_all_writing(path, board_of):
    with Store.open(path) as store:
        board = board_of(store.add_device("door", "lock"))
    store = Store.open(path)
    damage(path)
    try:
        with pytest.raises(StoreDamaged, match="restart"):
            asyncio.run(store.accept(board.report(1)))
        assert store.damage is not None
        with pytest.raises(StoreDamaged):
            asyncio.run(store.accept(board.report(2)))
    finally:
        store.close()

    with Store.open(path) as store:
        assert [device.name for device in store.devices()] == ["door"]


@pytest.mark.parametrize("how", ["deleted", "replaced", "emptied"])
def test_nothing_is_acked_into_a_file_that_is_not_there_any_more(path, board_of, how):
    with Store.open(path) as store:
        board = board_of(store.add_device("door", "lock"))
        asyncio.run(store.accept(board.report(1)))
        for file in (path, path.with_name("agent.db-wal"), path.with_name("agent.db-shm")):
            file.unlink()
        if how == "replaced":
            path.write_bytes(b"-- not a database --" * 1000)
        elif how == "emptied":
            path.touch()

        with pytest.raises(StoreDamaged, match="deleted or replaced"):
            asyncio.run(store.accept(board.report(2)))
        assert store.damage is not None

    with Store.open(path) as store:
        (back,) = store.devices()
        assert (back.key, back.acked) == (board.device.key, (1, 1)), "the copy is not behind"
        board.boot = 2
        assert asyncio.run(store.accept(board.report(1, 2, frame=1))).ack == (2, 2)


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_nothing_is_acked_once_a_file_beside_it_was_deleted(path, board_of, suffix):
    with Store.open(path) as store:
        board = board_of(store.add_device("door", "lock"))
        asyncio.run(store.accept(board.report(1)))
        path.with_name(path.name + suffix).unlink()
        with pytest.raises(StoreDamaged, match=f"{suffix}, where the store is, was deleted"):
            asyncio.run(store.accept(board.report(2)))

    with Store.open(path) as store:
        assert [device.key for device in store.devices()] == [board.device.key]
        assert 1 in [event.seq for event in store.events()]
        assert store.damage is None


def test_an_idle_store_notices_that_its_file_was_deleted(path, store, eventually):
    path.unlink()
    eventually(lambda: store.damage)


@pytest.mark.parametrize(
    ("names", "moment"),
    [
        (("", "-wal", "-shm"), "between commits"),
        (("", "-wal", "-shm"), "inside a commit"),
        (("-wal",), "between commits"),
        (("-wal",), "inside a commit"),
        (("-shm",), "inside a commit"),
    ],
)
def test_a_file_overwritten_behind_the_memory_of_the_writer_is_noticed(
    path, board_of, eventually, monkeypatch, names, moment
):
    def overwrite(*_):
        for name in names:
            file = path.with_name(path.name + name)
            with file.open("r+b") as content:
                content.write(b"\xa5" * file.stat().st_size)

    with Store.open(path) as store:
        board = board_of(store.add_device("door", "lock"))
        asyncio.run(store.accept(board.report(1)))
        if moment == "between commits":
            overwrite()
        else:
            decide = writer._decide
            with monkeypatch.context() as patch:
                patch.setattr(writer, "_decide", lambda *job: (decide(*job), overwrite())[0])
                with suppress(StoreDamaged):
                    asyncio.run(store.accept(board.report(2)))
        eventually(lambda: store.damage)
        with pytest.raises(StoreDamaged, match="restart the agent"):
            asyncio.run(store.accept(board.report(3)))

    with Store.open(path) as store:
        assert [device.key for device in store.devices()] == [board.device.key]


def test_a_process_that_can_open_no_more_files_takes_nothing_for_damage(
    path, board_of, monkeypatch, caplog
):
    monkeypatch.setattr(file_check, "_READ_BACK_EVERY_S", 0.0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Store.open(path) as store, asyncio.Runner() as runner:
        board = board_of(store.add_device("door", "lock"))
        runner.run(store.accept(board.report(1)))
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            acks = [runner.run(store.accept(board.report(seq))).ack for seq in range(2, 18)]
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert acks == [(1, seq) for seq in range(2, 18)]
        assert runner.run(store.accept(board.report(18))).ack == (1, 18)
        assert store.damage is None
    (told,) = [record.message for record in caplog.records if record.name.startswith("host_agent")]
    assert "cannot be opened anew" in told


def test_a_store_that_lost_a_table_is_set_aside(path, caplog):
    with Store.open(path) as store:
        door = store.add_device("door", "lock")
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TABLE events")

    with caplog.at_level(logging.ERROR), Store.open(path) as store:
        assert [device.key for device in store.devices()] == [door.key]
        assert store.stats().pending == 0
    assert "events" in caplog.text
    assert list(path.parent.glob("*.damaged-*"))


@pytest.mark.parametrize("content", [b"rubbish", b"\0" * 4096, b"-- not a database --" * 1000])
def test_a_damaged_helper_file_is_remade(path, content):
    with Store.open(path) as store:
        store.add_device("door", "lock")
    path.with_name("agent.db.inuse").write_bytes(content)

    with Store.open(path) as store, Store.open(path) as other:
        assert store.devices() == other.devices() != []


def test_a_link_leads_to_the_same_store_and_helper_files(path, tmp_path):
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with Store.open(link) as store:
        store.add_device("door", "lock")

    with Store.open(path) as store:
        assert store.device("door")
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith("link")] == ["link.db"]


def test_a_closed_store_says_so(path, board_of):
    store = Store.open(path)
    board = board_of(store.add_device("door", "lock"))
    store.close()
    store.close()

    with pytest.raises(StoreError, match="closed"):
        asyncio.run(store.accept(board.report(1)))


def test_keys_in_what_a_killed_process_left_do_not_stay(path):
    draft = path.with_name("agent.db.devices.json.4711.tmp")
    draft.write_text('[{"name": "door"')

    with Store.open(path) as store:
        assert not draft.exists()
        draft.write_text("being written")
        with Store.open(path):
            assert draft.exists(), "another process may be at it"
        assert store.damage is None
