"""Users, tokens and logins."""

import asyncio
from contextlib import suppress

import pytest

from host_agent.clock import now_ms
from host_agent.people import TokenError, UserError
from host_agent.purging import purge_old
from host_agent.store import Store
from host_agent.store.people_tables import MAX_LOGINS, MAX_TEXT
from host_agent.tokens import is_genuine
from tests.host_agent.store.file import alter
from tests.host_agent.store.people import HASH, login, with_token

DAY_MS = 86_400_000


# Users


def test_a_user_is_there_until_removed(people):
    before = now_ms()
    ann = people.add_user("ann", "ann@example.com", HASH)
    assert (ann.name, ann.email, ann.password) == ("ann", "ann@example.com", HASH)
    assert before <= ann.created_ms == ann.changed_ms <= now_ms()
    ben = people.add_user("ben", "", HASH)
    assert people.user("ann") == ann
    assert people.users() == [ann, ben]

    people.remove_user("ann")
    assert people.user("ann") is None
    assert people.users() == [ben]


def test_people_survive_a_restart(path):
    with Store.open(path) as store:
        ann = store.people.add_user("ann", "", HASH)
        token, _ = with_token(store.people, "read", "commands:door")
        asyncio.run(store.people.add_login(login()))
    with Store.open(path) as store:
        assert store.people.users() == [ann]
        assert store.people.tokens() == [token]
        assert store.people.logins() == [login()]


def test_the_password_does_not_show_in_a_repr(people):
    assert "argon2" not in repr(people.add_user("ann", "", HASH))


@pytest.mark.parametrize("name", ["ann", "ANN", "Ann"])
def test_a_name_is_given_once_whatever_its_capitals(people, name):
    people.add_user("ann", "", HASH)
    with pytest.raises(UserError, match="a user ann already"):
        people.add_user(name, "", HASH)


def test_capitals_count_to_log_in(people):
    people.add_user("ann", "", HASH)
    assert people.user("Ann") is None


NAMES = {
    "empty": "",
    "space": "a b",
    "space after": "ann ",
    "sign first": "@ann",
    "long": "x" * 65,
    "a line": "ann\n",
    "umlaut": "änn",
    "cyrillic": "\u0430nn",
    "turned round": "a\u202enn",
    "no width": "a\u200bnn",
    "surrogate": "ann\udcff",
    "null": "ann\0",
    "markup": "<ann>",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_what_cannot_be_a_name_is_refused_and_nobody(people, name):
    with pytest.raises(UserError, match="user's name"):
        people.add_user(name, "", HASH)
    assert people.user(name) is None
    with pytest.raises(UserError, match="no user"):
        people.remove_user(name)
    with pytest.raises(UserError, match="no user"):
        people.set_password(name, HASH)


@pytest.mark.parametrize("name", ["a", "x" * 64, "ann.b@example.com", "ann+door", "1_a-b"])
def test_a_name_may_be_an_address(people, name):
    assert people.add_user(name, "", HASH).name == name


@pytest.mark.parametrize("email", ["x" * 129, "a\nb@example.com", "a\udcff", "a\u202eb"], ids=ascii)
def test_an_address_is_one_line_of_text(people, email):
    with pytest.raises(UserError, match="e-mail"):
        people.add_user("ann", email, HASH)
    assert people.users() == []


def test_changed_ms_grows_with_every_password_also_when_the_clock_was_set_back(path, people):
    people.add_user("ann", "", HASH)
    ahead = now_ms() + DAY_MS
    alter(path, "UPDATE users SET changed_ms = ?", ahead)
    people.set_password("ann", HASH)
    people.set_password("ann", HASH + "2")
    ann = people.user("ann")
    assert (ann.password, ann.changed_ms) == (HASH + "2", ahead + 2)


def test_a_rehash_is_no_change_and_never_undoes_one(people):
    ann = people.add_user("ann", "", HASH)
    asyncio.run(people.rehash(ann, HASH + "2"))
    rehashed = people.user("ann")
    assert (rehashed.password, rehashed.changed_ms) == (HASH + "2", ann.changed_ms)
    asyncio.run(people.rehash(ann, HASH + "3"))
    assert people.user("ann") == rehashed


# Tokens


def test_a_token_is_there_until_revoked(people):
    token, text = with_token(people, "read", "commands:door:open")
    found = people.token(token.id)
    assert found == token
    assert is_genuine(found, text, now_ms())
    another, _ = with_token(people)
    assert {one.id for one in people.tokens()} == {token.id, another.id}

    people.revoke_token(token.id)
    assert people.token(token.id) is None
    assert people.tokens() == [another]


@pytest.mark.parametrize("token_id", ["", "0123456789ab", "x" * 1000, "\udcff"], ids=ascii)
def test_an_unknown_token_cannot_be_revoked(people, token_id):
    assert people.token(token_id) is None
    with pytest.raises(TokenError, match="no such token"):
        people.revoke_token(token_id)


def test_when_a_token_was_used_is_kept(people):
    token, _ = with_token(people)
    assert token.used_ms is None
    asyncio.run(people.used_token(token.id, 60_000))
    assert people.token(token.id).used_ms == 60_000


def test_a_token_that_is_used_while_it_is_revoked_stays_revoked(people):
    token, _ = with_token(people)
    people.revoke_token(token.id)
    asyncio.run(people.used_token(token.id, 60_000))
    assert people.tokens() == []


def test_a_file_holds_no_text_of_a_token(path, people):
    _, text = with_token(people)
    for file in path.parent.iterdir():
        assert text[-43:].encode() not in file.read_bytes()


# Logins


def test_logins_are_listed_newest_first(people):
    async def come():
        for number in range(5):
            await people.add_login(login(number))

    asyncio.run(come())
    assert [found.at_ms for found in people.logins(3)] == [4, 3, 2]


def test_a_login_keeps_what_a_browser_sent_bounded_and_as_text(people):
    sent = login(user="\udcff<b>" + "x" * 5000, user_agent="y" * 5000, outcome="blocked")
    asyncio.run(people.add_login(sent))
    (found,) = people.logins()
    assert found.user == ("?<b>" + "x" * 5000)[:MAX_TEXT]
    assert (found.user_agent, found.outcome) == ("y" * MAX_TEXT, "blocked")


def test_the_newest_logins_stay(path, people):
    alter(
        path,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " INSERT INTO logins (at_ms, user, source_ip, user_agent, outcome, response, reason)"
        " SELECT i, 'ann', '', '', 'refused', '', '' FROM n",
        MAX_LOGINS,
    )
    asyncio.run(people.add_login(login(99_999)))
    found = people.logins(2 * MAX_LOGINS)
    assert (len(found), found[0].at_ms, found[-1].at_ms) == (MAX_LOGINS, 99_999, 2)


def test_old_logins_are_purged(store, until):
    new = now_ms()

    async def purge():
        for at_ms in (new - 91 * DAY_MS, new - 89 * DAY_MS, new):
            await store.people.add_login(login(at_ms))
        purging = asyncio.create_task(purge_old(store, 90))
        await until(lambda: len(store.people.logins()) < 3)
        purging.cancel()
        with suppress(asyncio.CancelledError):
            await purging

    asyncio.run(purge())
    assert [found.at_ms for found in store.people.logins()] == [new, new - 89 * DAY_MS]
