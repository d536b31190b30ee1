"""Logins that GuardianKey judges."""

import dataclasses
import json
import time
from collections.abc import Iterator

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from host_agent.guardiankey import Account
from host_agent.guardiankey.aio import AsyncGuardianKey
from tests.host_agent.browser import PASSWORD
from tools.sandbox import Account as Known
from tools.sandbox import Sandbox, running

WRONG = "wrong horse battery staple"
EMAIL = "ann@example.org"


@pytest.fixture
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def sandbox(account: Account, portal: BlockingPortal) -> Iterator[Sandbox]:
    """GuardianKey; it knows the account, and blocks mallory."""
    known = Known(
        account.auth_group_id,
        account.organization_id,
        account.key,
        account.iv,
        blocked_users=("mallory",),
    )
    with portal.wrap_async_context_manager(running(accounts=[known])) as sandbox:
        yield sandbox


@pytest.fixture
def timeout() -> float:
    """How long GuardianKey may take."""
    return 40


@pytest.fixture
def guarded(account: Account, sandbox: Sandbox, run_console, timeout: float):
    """A console with an account, and ann."""
    client = AsyncGuardianKey(account, sandbox.url, timeout=(timeout, timeout))
    console = run_console(guardiankey=client)
    console.add_user(email=EMAIL)
    return console


def events(sandbox: Sandbox) -> list[dict[str, object]]:
    return [taken.body.event for taken in sandbox.guardiankey.inbox.after(0)]


def kept(console) -> list[tuple[str, str, str]]:
    """The logins in the store, oldest first: (user, outcome, response)."""
    logins = console.parts.store.people.logins()
    return [(login.user, login.outcome, login.response) for login in reversed(logins)]


def test_every_attempt_is_an_event_good_or_failed(guarded, sandbox) -> None:
    browser = guarded.browser()
    assert browser.log_in().status_code == 303
    assert browser.log_in(password=WRONG).status_code == 403
    assert browser.log_in("nobody", PASSWORD).status_code == 403
    told = [
        (event["userName"], event["userEmail"], event["loginFailed"]) for event in events(sandbox)
    ]
    assert told == [("ann", EMAIL, "0"), ("ann", EMAIL, "1"), ("nobody", "", "1")]
    first = events(sandbox)[0]
    assert (first["clientIP"], first["userAgent"]) == ("127.0.0.1", "Browser/1.0")
    assert [(user, outcome) for user, outcome, _ in kept(guarded)] == [
        ("ann", "accepted"),
        ("ann", "refused"),
        ("", "refused"),
    ]
    assert not [answer for _, _, answer in kept(guarded) if answer not in ("ACCEPT", "NOTIFY")]
    assert PASSWORD not in str(events(sandbox)) and WRONG not in str(events(sandbox))


def test_block_refuses_whatever_the_password(guarded, sandbox) -> None:
    guarded.add_user("mallory")
    pages = []
    for password in (PASSWORD, WRONG):
        browser = guarded.browser()
        answer = browser.log_in("mallory", password)
        assert answer.status_code == 403
        assert "This login was blocked." in answer.text
        assert not browser.cookies
        pages.append(answer.headers["content-length"])
    assert pages[0] == pages[1]
    assert [event["loginFailed"] for event in events(sandbox)] == ["0", "1"]
    assert kept(guarded) == [("mallory", "blocked", "BLOCK")] * 2
    metrics = guarded.parts.metrics.registry
    assert metrics.get_sample_value("thingwarden_logins_total", {"result": "blocked"}) == 2


def test_failures_until_a_block_keep_even_the_right_password_out(guarded) -> None:
    browser = guarded.browser()
    for _ in range(4):
        browser.log_in(password=WRONG)
    answer = browser.log_in()
    assert (answer.status_code, "This login was blocked." in answer.text) == (403, True)


def test_an_attempt_that_is_not_judged_is_not_told(guarded, sandbox) -> None:
    browser = guarded.browser()
    statuses = [browser.log_in("nobody", WRONG).status_code for _ in range(7)]
    assert statuses == [403] * 5 + [429] * 2
    assert len(events(sandbox)) == 5


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "hang"},
        {"kind": "reset"},
        {"kind": "status", "status": 503},
        {"kind": "answer", "body": "<html>"},
        {"kind": "drip", "seconds": 0.2},
    ],
    ids=lambda fault: fault["kind"],
)
@pytest.mark.parametrize("timeout", [0.5], ids=["impatient"])
def test_without_a_verdict_the_password_decides(
    guarded, sandbox, portal: BlockingPortal, caplog, fault: dict[str, object]
) -> None:
    portal.call(sandbox.guardiankey_faults.add, json.dumps([fault | {"count": 0}]).encode())
    begun = time.monotonic()
    assert guarded.browser().log_in(password=WRONG).status_code == 403
    assert guarded.browser().log_in().status_code == 303
    assert time.monotonic() - begun < 40
    assert kept(guarded) == [("ann", "refused", "ERROR"), ("ann", "accepted", "ERROR")]
    reasons = [login.reason for login in guarded.parts.store.people.logins()]
    assert all(reasons)
    (line,) = [line for line in caplog.messages if "no verdict on a login" in line]
    assert "its password decides" in line
    assert reasons[-1] in line


def test_a_guardiankey_that_is_not_there_keeps_nobody_out(account, run_console) -> None:
    console = run_console(guardiankey=AsyncGuardianKey(account, "http://127.0.0.1:1"))
    console.add_user()
    assert console.browser().log_in().status_code == 303
    (login,) = console.parts.store.people.logins()
    assert (login.outcome, login.response) == ("accepted", "ERROR")


def test_an_account_that_is_unknown_keeps_nobody_out(account, sandbox, run_console) -> None:
    stranger = dataclasses.replace(account, auth_group_id="another")
    console = run_console(guardiankey=AsyncGuardianKey(stranger, sandbox.url))
    console.add_user()
    assert console.browser().log_in().status_code == 303
