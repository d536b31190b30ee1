"""How long a session lasts, and what ends it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from host_agent.console.sessions import (
    IDLE_S,
    MAX_OF_A_USER,
    MAX_SESSIONS,
    WHOLE_S,
    Session,
    Sessions,
)
from host_agent.people import User
from host_agent.store import Store
from tests.host_agent.clock import Clock

HERE = ("192.0.2.1", "Browser/1.0")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "thingwarden.db") as store:
        yield store


@pytest.fixture
def ann(store: Store) -> User:
    return store.people.add_user("ann", "", "$argon2id$1")


@pytest.fixture
def sessions(store: Store, clock: Clock) -> Sessions:
    return Sessions(store, clock)


@pytest.fixture
def begun(sessions: Sessions, ann: User) -> tuple[Session, str]:
    """(session, cookie) of ann."""
    return sessions.begin(ann, *HERE)


def test_a_session_is_found_by_its_cookie_only(sessions: Sessions, begun, ann: User) -> None:
    session, cookie = begun
    assert (session.user, session.address, session.user_agent) == ("ann", *HERE)
    assert sessions.find(cookie, *HERE) is session
    other, other_cookie = sessions.begin(ann, *HERE)
    assert sessions.find(other_cookie, *HERE) is other
    assert len({session.id, other.id, cookie, other_cookie, session.csrf, other.csrf}) == 6
    for wrong in ("", session.id, session.csrf, cookie[:-1], cookie + "a", "\0", "ä"):
        assert sessions.find(wrong, *HERE) is None


def test_nothing_shows_its_secrets(sessions: Sessions, begun) -> None:
    session, cookie = begun
    assert session.csrf not in repr(session)
    assert cookie not in repr(vars(sessions))


def test_it_ends_when_it_is_not_used(sessions: Sessions, begun, clock: Clock) -> None:
    session, cookie = begun
    clock.now = IDLE_S - 1
    assert sessions.find(cookie, *HERE, in_use=False) is session
    assert sessions.find(cookie, *HERE) is session
    clock.now += IDLE_S - 1
    assert sessions.find(cookie, *HERE, in_use=False) is session
    assert sessions.lives(session)
    clock.now += 1
    assert not sessions.lives(session)
    assert sessions.find(cookie, *HERE) is None


def test_it_ends_after_half_a_day_in_all(sessions: Sessions, begun, clock: Clock) -> None:
    session, cookie = begun
    while clock.now < WHOLE_S - IDLE_S:
        clock.now += IDLE_S / 2
        assert sessions.find(cookie, *HERE) is session
    clock.now = WHOLE_S
    assert sessions.find(cookie, *HERE) is None


def test_it_ends_at_logout_and_no_other_does(sessions: Sessions, begun, ann: User) -> None:
    session, cookie = begun
    _, other_cookie = sessions.begin(ann, *HERE)
    sessions.end(session)
    assert not sessions.lives(session)
    assert sessions.find(cookie, *HERE) is None
    assert sessions.find(other_cookie, *HERE)


@pytest.mark.parametrize("change", ["removed", "added anew", "password"])
def test_it_ends_when_another_process_changes_its_user(
    sessions: Sessions, begun, tmp_path: Path, change: str
) -> None:
    session, cookie = begun
    with Store.open(tmp_path / "thingwarden.db") as other:
        if change == "password":
            other.people.set_password("ann", "$argon2id$2")
        else:
            other.people.remove_user("ann")
        if change == "added anew":
            other.people.add_user("ann", "", "$argon2id$1")
    assert not sessions.lives(session)
    assert sessions.find(cookie, *HERE) is None


def test_a_password_that_changed_during_the_login_begins_no_session(
    sessions: Sessions, store: Store, ann: User
) -> None:
    store.people.set_password("ann", "$argon2id$2")
    _, cookie = sessions.begin(ann, *HERE)
    assert sessions.find(cookie, *HERE) is None


@pytest.mark.parametrize("address", [HERE[0], "192.0.2.2"], ids=["address", "other address"])
def test_a_stolen_cookie_is_worth_nothing_and_ends_the_session(
    sessions: Sessions, begun, caplog, address: str
) -> None:
    _, cookie = begun
    user_agent = HERE[1] if address != HERE[0] else "Thief/1.0"
    assert sessions.find(cookie, address, user_agent) is None
    assert sessions.find(cookie, *HERE) is None
    (line,) = caplog.messages
    assert line.startswith("the session of ann ended: its cookie came from another ")
    assert cookie not in line


def test_the_oldest_of_a_user_make_room(sessions: Sessions, store: Store, begun) -> None:
    _, first = begun
    bob = store.people.add_user("bob", "", "$argon2id$1")
    _, others = sessions.begin(bob, *HERE)
    ann = store.people.user("ann")
    cookies = [sessions.begin(ann, *HERE)[1] for _ in range(MAX_OF_A_USER)]
    assert sessions.find(first, *HERE) is None
    assert all(sessions.find(cookie, *HERE) for cookie in [*cookies, others])


def test_the_oldest_of_all_make_room(sessions: Sessions, store: Store, begun) -> None:
    _, first = begun
    users = [store.people.add_user(f"u{number}", "", "$argon2id$1") for number in range(16)]
    cookies = [sessions.begin(user, *HERE)[1] for user in users * MAX_OF_A_USER]
    assert len(cookies) == MAX_SESSIONS
    assert sessions.find(first, *HERE) is None
    assert all(sessions.find(cookie, *HERE) for cookie in cookies)


def test_those_that_are_over_make_room_first(
    sessions: Sessions, begun, ann: User, clock: Clock
) -> None:
    _, used = begun
    for _ in range(MAX_OF_A_USER - 1):
        sessions.begin(ann, *HERE)
    clock.now = IDLE_S / 2
    assert sessions.find(used, *HERE)
    clock.now = IDLE_S
    sessions.begin(ann, *HERE)
    assert sessions.find(used, *HERE)
