"""Passwords are kept as slow hashes only, and nobody learns from the time an answer takes."""

import statistics
import time

import pytest
from argon2 import Parameters
from argon2.profiles import CHEAPEST
from hypothesis import given
from hypothesis import strategies as st

from host_agent.passwords import (
    COST,
    PasswordError,
    hash_password,
    needs_rehash,
    verify,
)

PASSWORD = "correct horse battery"

passwords = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd"), min_size=12
)


def cheap(text: str, user: str = "") -> str:
    return hash_password(text, user, CHEAPEST)


def test_a_password_verifies_and_no_other_does():
    made = cheap(PASSWORD)
    assert verify(made, PASSWORD)
    for other in ("", "x", PASSWORD[:-1], PASSWORD + " ", PASSWORD.upper(), PASSWORD + "\0"):
        assert not verify(made, other)


def test_the_same_password_twice_is_two_hashes_that_do_not_show_it():
    assert cheap(PASSWORD) != cheap(PASSWORD)
    assert "horse" not in cheap(PASSWORD)


def test_a_hash_costs_what_rfc_9106_asks_for_little_memory():
    assert hash_password(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@given(passwords)
def test_any_text_may_be_a_password(text):
    assert verify(cheap(text), text)


@given(st.text())
def test_nothing_is_nobodys_password(text):
    assert not verify(None, text, CHEAPEST)


def test_what_looks_the_same_is_the_same():
    assert verify(cheap("cafe\u0301 au lait"), "caf\u00e9 au lait")


@pytest.mark.parametrize("text", ["x" * 12, "x" * 1024, "\N{GRINNING FACE}" * 12, "a\0" * 6])
def test_the_limits_are_inside(text):
    assert verify(cheap(text), text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "12 to 1024 characters"),
        ("x" * 11, "12 to 1024 characters"),
        ("x" * 1025, "12 to 1024 characters"),
        ("secret-secret\udcff", "UTF-8"),
        ("secret\ufffdsecret", "UTF-8"),
        ("Ann@Example.com", "user's name"),
    ],
    ids=["nothing", "short", "long", "surrogate", "replaced", "the-name"],
)
def test_what_cannot_be_a_password_is_refused_and_not_shown(text, told):
    with pytest.raises(PasswordError, match=told) as refused:
        cheap(text, "ann@example.com")
    assert not text or text not in str(refused.value)


def test_a_password_that_was_not_text_is_no_crash():
    assert not verify(cheap(PASSWORD), "secret-secret\udcff")
    assert not verify(cheap(PASSWORD), "x" * 1_000_000)


DAMAGED = {
    "empty": "",
    "text": "x" * 97,
    "cut": cheap(PASSWORD)[:-1],
    "longer": cheap(PASSWORD) + "A",
    "no base64": cheap(PASSWORD)[:-3] + "\ufffd==",
    "another kind": cheap(PASSWORD).replace("argon2id", "argon2d"),
    "too much memory": cheap(PASSWORD).replace("m=8", "m=4294967295"),
    "impossible": cheap(PASSWORD).replace("m=8", "m=1"),
    "no time": cheap(PASSWORD).replace("t=1", "t=0"),
}


@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
def test_a_hash_that_got_damaged_lets_nobody_in(damaged):
    assert not verify(damaged, PASSWORD, CHEAPEST)


def test_a_cheaper_hash_is_due_for_another():
    made = cheap(PASSWORD)
    assert needs_rehash(made)
    assert not needs_rehash(made, CHEAPEST)


def test_nobody_is_refused_as_slowly_as_somebody():
    """A cost at which a check takes long enough to be compared, on a machine with other work."""
    cost = Parameters(COST.type, 19, 16, 32, time_cost=2, memory_cost=16384, parallelism=1)
    somebodys = hash_password(PASSWORD, "", cost)

    def cpu_s(password_hash, text):
        def once():
            started = time.process_time()
            assert not verify(password_hash, text, cost)
            return time.process_time() - started

        return statistics.median(once() for _ in range(5))

    known = cpu_s(somebodys, PASSWORD + "!")
    for password_hash, text in ((None, PASSWORD), ("x", PASSWORD), (somebodys, "x")):
        assert cpu_s(password_hash, text) > known / 2
