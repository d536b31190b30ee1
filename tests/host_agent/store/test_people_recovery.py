"""What becomes of users, tokens and logins in other hands: another process, damage, an earlier
version."""

import asyncio
import threading
from pathlib import Path

import pytest

from host_agent.clock import now_ms
from host_agent.people import UserError
from host_agent.store import Store
from host_agent.tokens import is_genuine, may_command, may_read
from tests.host_agent.store.file import alter, in_another_process, of_version
from tests.host_agent.store.people import HASH, login, with_token

# Other processes


def test_what_another_process_does_counts_at_once(path, people):
    token, _ = with_token(people)
    ann = people.add_user("ann", "", HASH)
    in_another_process(
        "store.people.set_password('ann', 'x'); store.people.add_user('ben', '', '')", path
    )
    assert people.user("ann").changed_ms > ann.changed_ms
    assert [user.name for user in people.users()] == ["ann", "ben"]
    in_another_process("store.people.remove_user('ann')", path)
    in_another_process(f"store.people.revoke_token({token.id!r})", path)
    assert people.user("ann") is None
    assert people.token(token.id) is None


def test_of_many_who_add_the_same_user_one_does(path, store):
    """Each through a store of its own, as processes have."""
    count = 6
    ready = threading.Barrier(count)
    outcomes = []

    def add(number):
        with Store.open(path) as mine:
            ready.wait(60)
            try:
                outcomes.append(mine.people.add_user("ann", f"{number}@example.com", HASH).email)
            except UserError as error:
                outcomes.append(error)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert len(outcomes) == count
    assert [user.email for user in store.people.users()] == [winner]


# Damage


JUNK = ["", "{x", b"\xff\xfe", 2**62, -1, 1.5]


@pytest.mark.parametrize("junk", JUNK, ids=ascii)
@pytest.mark.parametrize("column", ["email", "password", "created_ms", "changed_ms"])
def test_a_user_that_got_damaged_can_be_listed_mended_and_removed(path, people, column, junk):
    people.add_user("ann", "", HASH)
    alter(path, f"UPDATE users SET {column} = ?", junk)
    (ann,) = people.users()
    assert people.user("ann") == ann
    assert isinstance(ann.email + ann.password, str)
    assert 0 <= ann.created_ms < 2**48
    people.set_password("ann", HASH)
    assert people.user("ann").password == HASH
    people.remove_user("ann")
    assert people.users() == []


@pytest.mark.parametrize("junk", [*JUNK, '["read', "[1]", '{"read":1}', "[" * 5000], ids=ascii)
@pytest.mark.parametrize("column", ["scopes", "digest", "expires_ms"])
def test_a_token_that_got_damaged_allows_nothing_and_can_be_revoked(path, people, column, junk):
    token, text = with_token(people, "read", "commands")
    alter(path, f"UPDATE tokens SET {column} = ?", junk)
    (found,) = people.tokens()
    allowed = may_read(found) or may_command(found, "door", "open")
    assert not (is_genuine(found, text, now_ms()) and allowed)
    people.revoke_token(token.id)
    assert people.tokens() == []


@pytest.mark.parametrize("junk", JUNK, ids=ascii)
@pytest.mark.parametrize("column", ["name", "created_ms", "used_ms"])
def test_what_only_tells_of_a_token_may_be_damaged(path, people, column, junk):
    token, text = with_token(people)
    alter(path, f"UPDATE tokens SET {column} = ?", junk)
    found = people.token(token.id)
    assert is_genuine(found, text, now_ms())
    assert isinstance(found.name, str)
    assert all(0 <= value < 2**48 for value in (found.created_ms, found.used_ms or 0))
    asyncio.run(people.used_token(token.id, 60_000))
    assert people.token(token.id).used_ms == 60_000


@pytest.mark.parametrize("junk", JUNK, ids=ascii)
@pytest.mark.parametrize(
    "column", ["at_ms", "user", "source_ip", "user_agent", "outcome", "response", "reason"]
)
def test_a_login_that_got_damaged_is_still_listed(path, people, column, junk):
    asyncio.run(people.add_login(login()))
    alter(path, f"UPDATE logins SET {column} = ?", junk)
    (found,) = people.logins()
    assert 0 <= found.at_ms < 2**48
    assert found.outcome in ("accepted", "refused", "blocked", "limited")
    assert all(isinstance(text, str) for text in (found.user, found.source_ip, found.reason))


# Earlier versions, the copy


@pytest.mark.parametrize("version", [1, 2])
def test_a_store_of_an_earlier_version_takes_people(path, version):
    with Store.open(of_version(version, path)) as store:
        assert (store.people.users(), store.people.tokens(), store.people.logins()) == ([], [], [])
        ann = store.people.add_user("ann", "", HASH)
        token, _ = with_token(store.people)
        asyncio.run(store.people.add_login(login()))
    with Store.open(path) as store:
        assert store.people.user("ann") == ann
        assert store.people.token(token.id) == token
        assert store.people.logins() == [login()]
        assert [device.name for device in store.devices()] == ["door"]


def test_a_store_that_is_made_anew_lets_nobody_in(path):
    with Store.open(path) as store:
        store.add_device("door", "lock")
        store.people.add_user("ann", "", HASH)
        with_token(store.people)
    path.write_bytes(b"x" * 8192)
    for beside in (f"{path}-wal", f"{path}-shm"):
        Path(beside).unlink(missing_ok=True)
    with Store.open(path) as store:
        assert [device.name for device in store.devices()] == ["door"]
        assert (store.people.users(), store.people.tokens()) == ([], [])
