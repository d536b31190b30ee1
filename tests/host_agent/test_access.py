"""The rules of access lists, and that a board which follows them holds what the agent has."""

import hashlib
import json
from base64 import b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_agent.access import (
    MAX_CHANGE_BYTES,
    MAX_CREDENTIALS,
    AccessError,
    AccessState,
    Held,
    change_for,
    digest_of,
    new_state,
    renewed,
    with_credential,
    with_lockdown,
    without_credential,
)

NOTHING = Held("", 0)
WIDEST = "\U0001f6aa"  # a character of four bytes


def listed(*users: str) -> AccessState:
    state = new_state()
    for number, user in enumerate(users):
        state = with_credential(state, user, "code", "", f"{1000 + number}")
    return state


class Board:
    """Applies changes as the firmware does (firmware/warden/access_list.py)."""

    def __init__(self) -> None:
        self.held = NOTHING
        self.lockdown = False
        self.credentials: dict[tuple[str, str], tuple[str, bytes]] = {}

    def apply(self, raw: bytes) -> bool:
        assert len(raw) <= MAX_CHANGE_BYTES
        change = json.loads(raw)
        if change["from"] == 0:
            self.credentials = {}
        else:
            assert Held(change["list"], change["from"]) == self.held
        for user, kind in change["unset"]:
            self.credentials.pop((user, kind), None)
        for user, kind, email, digest in change["set"]:
            self.credentials[user, kind] = (email, b64decode(digest))
        self.held = Held(change["list"], change["rev"])
        self.lockdown = change["lockdown"]
        return change["more"]

    def catch_up(self, state: AccessState) -> int:
        """Poll until nothing comes any more; how many changes that took."""
        for polls in range(1000):
            change = change_for(state, self.held)
            if change is None:
                return polls
            more = self.apply(change)
            assert more == (self.held != (state.list, state.rev))
        raise AssertionError("it never ends")

    def holds(self, state: AccessState) -> bool:
        return self.lockdown == state.lockdown and self.credentials == {
            (entry.user, entry.kind): (entry.email, entry.digest) for entry in state.credentials
        }


def test_a_code_is_kept_as_a_slow_hash_with_the_salt_of_its_list() -> None:
    state = with_credential(new_state(), "ann", "code", "ann@example.com", "012345")
    (ann,) = state.credentials
    expected = hashlib.pbkdf2_hmac("sha256", b"code:012345", state.salt, 1000, 16)
    assert (ann.user, ann.kind, ann.email, ann.digest) == (
        "ann",
        "code",
        "ann@example.com",
        expected,
    )
    assert (state.iterations, len(state.salt), len(state.list)) == (1000, 16, 8)


def test_a_badge_and_a_code_of_the_same_digits_differ() -> None:
    assert digest_of("badge", "0:1234", b"s" * 16, 1) != digest_of("code", "01234", b"s" * 16, 1)


def test_digests_and_salt_do_not_show_in_a_repr() -> None:
    state = listed("ann")
    assert "digest" not in repr(state)
    assert "salt" not in repr(state)


@pytest.mark.parametrize(
    ("kind", "secret"),
    [
        ("code", ""),
        ("code", "123"),
        ("code", "1" * 13),
        ("code", "12a4"),
        ("code", " 1234"),
        ("code", "1234\n"),
        ("code", "\u0661\u0662\u0663\u0664"),  # digits of another script
        ("badge", ""),
        ("badge", "1234"),
        ("badge", "1:"),
        ("badge", "01:2"),
        ("badge", "1:02"),
        ("badge", "65536:1"),
        ("badge", "1:65536"),
        ("badge", "-1:5"),
        ("badge", "1:2:3"),
        ("badge", "1:5\n"),
    ],
)
def test_a_secret_of_the_wrong_form_is_named_and_not_shown(kind: str, secret: str) -> None:
    with pytest.raises(AccessError, match=f"^{kind}: must") as told:
        with_credential(new_state(), "ann", kind, "", secret)
    if len(secret) > 3:
        assert secret not in str(told.value)


@pytest.mark.parametrize(
    ("kind", "secret"),
    [("code", "0000"), ("code", "1" * 12), ("badge", "0:0"), ("badge", "65535:65535")],
)
def test_secrets_at_their_limits_pass(kind: str, secret: str) -> None:
    assert with_credential(new_state(), "ann", kind, "", secret).rev == 1


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("user", {"user": ""}),
        ("user", {"user": "x" * 65}),
        ("user", {"user": "a\nb"}),
        ("user", {"user": "\x7f"}),
        ("user", {"user": "\ud800"}),
        ("email", {"email": "x" * 129}),
        ("email", {"email": "a\x00b"}),
        ("kind", {"kind": "pin"}),
    ],
)
def test_a_field_that_is_wrong_is_named(field: str, values: dict[str, str]) -> None:
    fields = {"user": "ann", "kind": "code", "email": "", "secret": "1234"} | values
    with pytest.raises(AccessError, match=f"^{field}: must"):
        with_credential(new_state(), **fields)


def test_two_users_of_a_door_cannot_have_one_code() -> None:
    state = with_credential(new_state(), "ann", "code", "", "4711")
    with pytest.raises(AccessError, match="another user") as told:
        with_credential(state, "bob", "code", "", "4711")
    assert "ann" not in str(told.value) and "4711" not in str(told.value)


def test_a_second_code_of_a_user_takes_the_place_of_the_first() -> None:
    state = with_credential(listed("ann", "bob"), "ann", "code", "", "9999")
    assert [(entry.user, entry.rev) for entry in state.credentials] == [("bob", 2), ("ann", 3)]
    again = with_credential(state, "ann", "code", "", "9999")
    assert again.rev == 4, "the same one is no error"


def test_a_door_has_room_for_64_credentials() -> None:
    state = listed(*(f"user {number}" for number in range(MAX_CREDENTIALS)))
    with pytest.raises(AccessError, match="64"):
        with_credential(state, "one more", "code", "", "9999")
    assert with_credential(state, "user 7", "code", "", "9999").rev == MAX_CREDENTIALS + 1


def test_a_user_is_removed_by_kind_or_whole() -> None:
    state = with_credential(listed("ann", "bob"), "ann", "badge", "", "1:2")
    assert [e.kind for e in without_credential(state, "ann", "code").credentials][-1] == "badge"
    gone = without_credential(state, "ann")
    assert [entry.user for entry in gone.credentials] == ["bob"]
    assert [(entry.kind, entry.rev) for entry in gone.removals] == [("code", 4), ("badge", 5)]
    assert gone.rev == 5


@pytest.mark.parametrize(("user", "kind"), [("bob", None), ("ann", "badge")])
def test_removing_what_is_not_there_says_so(user: str, kind: str | None) -> None:
    with pytest.raises(AccessError, match="user: this door has no"):
        without_credential(listed("ann"), user, kind)


def test_lockdown_counts_as_a_change_once() -> None:
    state = with_lockdown(listed("ann"), True)
    assert (state.lockdown, state.rev) == (True, 2)
    assert with_lockdown(state, True) is state
    assert with_lockdown(state, False).rev == 3


def test_removals_do_not_pile_up_for_ever() -> None:
    state = listed("ann")
    board = Board()
    board.catch_up(state)
    for number in range(300):
        state = with_credential(state, f"guest {number}", "code", "", "5555")
        state = without_credential(state, f"guest {number}")
    assert len(state.removals) <= 256
    board.catch_up(state)
    assert board.holds(state)


def test_a_board_that_holds_all_of_it_gets_nothing() -> None:
    state = listed("ann")
    assert change_for(state, Held(state.list, state.rev)) is None


@pytest.mark.parametrize("held", [NOTHING, Held("00000000", 1), Held("", 1)])
def test_a_board_with_another_list_starts_from_empty(held: Held) -> None:
    change = json.loads(change_for(listed("ann"), held))
    assert change["from"] == 0
    assert [user for user, *_ in change["set"]] == ["ann"]


def test_a_board_that_knows_a_later_rev_than_the_agent_starts_from_empty() -> None:
    state = listed("ann", "bob")
    change = json.loads(change_for(state, Held(state.list, 7)))
    assert (change["from"], change["rev"], len(change["set"])) == (0, 2, 2)


def test_a_change_says_what_changed_and_no_more() -> None:
    state = listed("ann", "bob", "eve")
    later = with_credential(without_credential(state, "bob"), "joe", "badge", "j@x", "12:345")
    assert json.loads(change_for(later, Held(state.list, state.rev))) == {
        "list": state.list,
        "salt": json.loads(change_for(state, NOTHING))["salt"],
        "iterations": 1000,
        "from": 3,
        "rev": 5,
        "lockdown": False,
        "set": [["joe", "badge", "j@x", json.loads(change_for(later, NOTHING))["set"][-1][3]]],
        "unset": [["bob", "code"]],
        "more": False,
    }


def test_a_renewed_list_is_told_as_a_whole_though_it_is_the_same() -> None:
    state = listed("ann")
    board = Board()
    board.catch_up(state)
    again = renewed(state)
    assert again.list != state.list
    assert board.catch_up(again) == 1
    assert board.holds(again)


def test_the_longest_credentials_go_one_by_one_beside_the_longest_verdict() -> None:
    state = new_state()
    for number in range(3):
        state = with_credential(
            state, f"{WIDEST * 63}{number}", "badge", WIDEST * 128, f"1:{number}"
        )
    held = NOTHING
    for number in range(3):
        change = change_for(state, held, 1000)
        assert len(change) <= 1000
        content = json.loads(change)
        assert [user for user, *_ in content["set"]] == [f"{WIDEST * 63}{number}"]
        held = Held(content["list"], content["rev"])
    assert held == (state.list, state.rev)


def test_a_full_list_of_plain_users_takes_a_handful_of_polls() -> None:
    state = listed(*(f"user {number}" for number in range(MAX_CREDENTIALS)))
    board = Board()
    assert board.catch_up(state) <= 6
    assert board.holds(state)


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "lock", "free", "poll", "catch up", "renew"]),
        st.text('ab"\\é\U0001f6aa', min_size=1, max_size=64),
        st.integers(1000, 1015),
    ),
    max_size=40,
)


@given(CHANGES)
@settings(deadline=None)
def test_whatever_changes_in_between_a_board_that_polls_ends_up_with_the_list(changes) -> None:
    state, board = new_state(), Board()
    for what, user, code in changes:
        try:
            if what == "add":
                state = with_credential(state, user, "code", user, str(code))
            elif what == "remove" and state.credentials:
                state = without_credential(
                    state, state.credentials[code % len(state.credentials)].user
                )
        except AccessError:
            continue
        if what in ("lock", "free"):
            state = with_lockdown(state, what == "lock")
        elif what == "renew":
            state = renewed(state)
        elif what == "poll" and (change := change_for(state, board.held)):
            board.apply(change)
        elif what == "catch up":
            board.catch_up(state)
            assert board.holds(state) or state.rev == 0
    board.catch_up(state)
    assert board.holds(state)
