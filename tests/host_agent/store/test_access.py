"""Access lists in the store: kept, copied, restored, and never taken for another list."""

import asyncio
import json
from dataclasses import replace

import pytest

from host_agent.access import AccessError, Held, change_for
from host_agent.store import Accepted, Store, UnknownDevice
from tests.host_agent.store.file import alter, in_another_process


def users(state):
    return [(entry.user, entry.kind) for entry in state.credentials]


def held(state):
    return Held(state.list, state.rev)


@pytest.fixture
def store(store):
    """With a door in it."""
    store.add_device("door", "lock")
    return store


def copy_of(path):
    return json.loads(path.with_name("agent.db.devices.json").read_text())


def test_a_door_has_no_list_until_somebody_is_let_in(store):
    assert store.access("door") is None
    state = store.add_credential("door", "ann", "code", "ann@example.com", "1234")
    assert store.access("door") == state
    assert (users(state), state.rev) == ([("ann", "code")], 1)


def test_every_door_has_a_list_and_a_salt_of_its_own(store):
    store.add_device("gate", "lock")
    one = store.add_credential("door", "ann", "code", "", "1234")
    other = store.add_credential("gate", "ann", "code", "", "1234")
    assert one.list != other.list and one.salt != other.salt
    assert one.credentials[0].digest != other.credentials[0].digest


def test_changes_survive_a_restart(path):
    with Store.open(path) as store:
        store.add_device("door", "lock")
        store.add_credential("door", "ann", "code", "", "1234")
        store.add_credential("door", "bob", "badge", "", "12:345")
        store.remove_credential("door", "ann")
        state = store.set_lockdown("door", True)
    with Store.open(path) as store:
        assert store.access("door") == state
        assert (users(state), state.rev, state.lockdown) == ([("bob", "badge")], 4, True)


def test_freeing_a_door_without_a_list_makes_none(store):
    store.set_lockdown("door", False)
    assert store.access("door") is None
    assert store.set_lockdown("door", True).rev == 1
    assert store.access("door").lockdown


def test_what_cannot_be_put_on_the_list_leaves_it_alone(store):
    state = store.add_credential("door", "ann", "code", "", "1234")
    for user, secret in (("bob", "1234"), ("bob", "12"), ("", "5678")):
        with pytest.raises(AccessError):
            store.add_credential("door", user, "code", "", secret)
    with pytest.raises(AccessError):
        store.remove_credential("door", "bob")
    assert store.access("door") == state


@pytest.mark.parametrize("name", ["nobody", "gone"])
def test_only_a_device_has_a_list(store, name):
    store.add_device("gone", "lock")
    store.remove_device("gone")
    for change in (
        lambda: store.add_credential(name, "ann", "code", "", "1234"),
        lambda: store.remove_credential(name, "ann"),
        lambda: store.set_lockdown(name, True),
    ):
        with pytest.raises(UnknownDevice, match=name):
            change()
    assert store.access(name) is None


def test_a_removed_device_leaves_nobody_a_key(store, path):
    before = store.add_credential("door", "ann", "code", "", "1234")
    store.remove_device("door")
    assert store.access("door") is None
    assert "access" not in copy_of(path)[0]
    store.add_device("door", "lock")
    assert store.access("door") is None
    after = store.add_credential("door", "bob", "code", "", "5678")
    assert after.list != before.list
    assert users(after) == [("bob", "code")]


def test_what_another_process_changes_shows_in_the_open_store(store, path, eventually):
    in_another_process("store.add_credential('door', 'ann', 'code', '', '1234')", path)
    state = eventually(lambda: store.access("door"))
    in_another_process("store.set_lockdown('door', True)", path)
    eventually(lambda: store.access("door").lockdown)
    assert held(store.access("door")) == (state.list, 2)
    in_another_process("store.remove_device('door')", path)
    eventually(lambda: store.access("door") is None)


def test_two_processes_never_give_one_rev_to_two_changes(store, path):
    """Even before the snapshot shows what the other did: the writer looks in its transaction."""
    store.add_credential("door", "ann", "code", "", "1234")
    in_another_process("store.add_credential('door', 'bob', 'code', '', '5678')", path)
    state = store.add_credential("door", "eve", "code", "", "9999")
    assert [(entry.user, entry.rev) for entry in state.credentials] == [
        ("ann", 1),
        ("bob", 2),
        ("eve", 3),
    ]


def test_the_code_is_in_no_file(path):
    with Store.open(path) as store:
        store.add_device("door", "lock")
        store.add_credential("door", "ann", "code", "", "471108154711")
        for file in path.parent.iterdir():
            assert b"471108154711" not in file.read_bytes()


def test_a_list_comes_back_with_a_lost_store_and_boards_take_it_anew(path):
    with Store.open(path) as store:
        store.add_device("door", "lock")
        store.add_credential("door", "ann", "code", "", "1234")
        before = store.set_lockdown("door", True)
    path.unlink()

    with Store.open(path) as store:
        after = store.access("door")
        assert after.credentials == before.credentials
        assert (after.salt, after.lockdown) == (before.salt, True)
        change = json.loads(change_for(after, held(before)))
        assert change["from"] == 0
        later = store.add_credential("door", "bob", "code", "", "5678")
        assert change_for(later, held(before)) is not None
    with Store.open(path) as store:
        assert store.access("door") == later, "it is renewed once, not at every start"


def test_a_copy_that_is_behind_makes_no_board_believe_that_it_has_all(path):
    copy = path.with_name("agent.db.devices.json")
    with Store.open(path) as store:
        store.add_device("door", "lock")
        store.add_credential("door", "ann", "code", "", "1234")
        behind = copy.read_bytes()
        known = store.remove_credential("door", "ann")
    path.unlink()
    copy.write_bytes(behind)

    with Store.open(path) as store:
        store.add_credential("door", "bob", "code", "", "5678")
        state = store.access("door")
        assert state.rev == known.rev, "by its rev alone the board would be up to date"
        assert json.loads(change_for(state, held(known)))["from"] == 0


def test_the_copy_of_a_store_without_lists_is_as_it_always_was(path):
    with Store.open(path) as store:
        store.add_device("door", "lock")
    (kept,) = copy_of(path)
    assert set(kept) == {
        "name",
        "type",
        "group",
        "key",
        "boot",
        "frame",
        "acked",
        "created_ms",
    }


def test_a_copy_from_before_there_were_lists_still_loads(path):
    with Store.open(path) as store:
        key = store.add_device("door", "lock").key
        store.add_credential("door", "ann", "code", "", "1234")
    path.unlink()
    (kept,) = copy_of(path)
    del kept["access"]
    path.with_name("agent.db.devices.json").write_text(json.dumps([kept]))

    with Store.open(path) as store:
        assert store.device("door").key == key
        assert store.access("door") is None


@pytest.mark.parametrize("access", [7, {"list": "x"}, {"list": "0" * 8, "salt": "AAAA", "rev": 1}])
def test_a_copy_with_a_spoilt_list_is_told_and_kept(path, access):
    with Store.open(path) as store:
        store.add_device("door", "lock")
    path.unlink()
    (kept,) = copy_of(path)
    copy = path.with_name("agent.db.devices.json")
    copy.write_text(json.dumps([kept | {"access": access}]))

    with pytest.raises(Exception, match=r"agent\.db\.devices\.json.*access"):
        Store.open(path)
    assert json.loads(copy.read_text()) == [kept | {"access": access}]


def test_a_backup_takes_the_lists_along(path, tmp_path):
    with Store.open(path) as store:
        store.add_device("door", "lock")
        before = store.add_credential("door", "ann", "code", "", "1234")
        backup = store.backup()
    with Store.open(tmp_path / "other.db") as other:
        assert other.restore(backup) == 1
        after = other.access("door")
        assert after.credentials == before.credentials
        assert after.list != before.list
        assert other.restore(backup) == 0
        assert other.access("door") == after, "what is here stays as it is"


def test_a_restored_device_has_the_list_of_the_backup_and_no_other(store):
    store.add_credential("door", "ann", "code", "", "1234")
    backup = store.backup()
    store.remove_device("door")
    store.restore(backup)
    assert users(store.access("door")) == [("ann", "code")]


@pytest.fixture
def damaged(path):
    """A store whose door has a list that cannot be read, and whose gate has a good one; the list
    that the door had."""
    with Store.open(path) as store:
        for name in ("door", "gate"):
            store.add_device(name, "lock")
            store.add_credential(name, "ann", "code", "", "1234")
        before = store.set_lockdown("door", True)
    spoil(path)
    return before


def spoil(path):
    alter(path, "UPDATE access SET state = '{' WHERE device = 'door'")


def test_a_list_that_got_damaged_comes_back_and_boards_take_it_anew(path, damaged, caplog):
    with Store.open(path) as store:
        after = store.access("door")
        assert (after.credentials, after.lockdown) == (damaged.credentials, True)
        assert after.list != damaged.list
        assert users(store.access("gate")) == [("ann", "code")]
        assert "the damaged access list of door comes back from" in caplog.text
    with Store.open(path) as store:
        assert store.access("door") == after, "once"


@pytest.mark.parametrize("copy", [None, "{", "[]"])
def test_a_damaged_list_of_which_there_is_no_copy_costs_only_itself(path, damaged, caplog, copy):
    file = path.with_name("agent.db.devices.json")
    file.unlink()
    if copy:
        file.write_text(copy)
    with Store.open(path) as store:
        assert store.access("door") is None
        assert users(store.access("gate")) == [("ann", "code")]
        assert "the access list of door in the store cannot be read" in caplog.text
        assert store.add_credential("door", "bob", "code", "", "5678").list != damaged.list


def test_a_list_that_gets_damaged_under_the_running_store_stays_and_is_mended_by_a_change(
    path, store, eventually, caplog
):
    before = store.add_credential("door", "ann", "code", "", "1234")
    spoil(path)
    eventually(lambda: "the access list of door in the store cannot be read" in caplog.text)
    store.add_device("gate", "lock")
    assert store.access("door") == before
    after = store.set_lockdown("door", True)
    assert (after.list, after.credentials) == (before.list, before.credentials)
    with Store.open(path) as other:
        assert other.access("door") == after


def test_what_a_board_holds_is_kept_with_its_frame(path, board_of):
    def accepted(access):
        report = replace(board.report(), access=access)
        assert isinstance(asyncio.run(store.accept(report)), Accepted)
        return store.device("door").held

    with Store.open(path) as store:
        board = board_of(store.add_device("door", "lock"))
        assert accepted(None) is None
        assert accepted(Held("0123abcd", 7)) == Held("0123abcd", 7)
        assert accepted(None) == Held("0123abcd", 7), "the last that it told"
        assert accepted(Held("", 0)) == Held("", 0)
        accepted(Held("0123abcd", 8))
    with Store.open(path) as store:
        assert store.device("door").held == Held("0123abcd", 8)
        store.remove_device("door")
        assert store.add_device("door", "lock").held is None
