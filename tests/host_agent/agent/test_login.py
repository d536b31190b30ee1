"""People at the console of the whole agent."""

import time
from pathlib import Path

import pytest

from host_agent.listener import DRAIN_S
from host_agent.passwords import hash_password
from host_agent.store import Store
from tests.host_agent.browser import PASSWORD, Browser

WRONG = "wrong horse battery staple"


@pytest.fixture
def users(tmp_path: Path) -> None:
    """ann and mallory."""
    with Store.open(tmp_path / "thingwarden.db") as store:
        for name in ("ann", "mallory"):
            store.people.add_user(name, "", hash_password(PASSWORD, name))


@pytest.fixture
def launched(users, configure, launch):  # noqa: ARG001 (it knows them)
    """A running agent, whose log tells everything."""
    configure(log={"level": "debug"})
    return launch().started()


def test_a_page_that_is_open_does_not_hold_up_the_end_of_the_agent(launched, launch) -> None:
    browser = Browser(launched.console)
    assert browser.log_in().status_code == 303
    with browser.get("/console/live", stream=True) as live:
        assert live.status_code == 200
        assert next(live.iter_content(1))
        begun = time.monotonic()
        assert launched.stop() == 0
        assert time.monotonic() - begun < DRAIN_S
    assert "Traceback" not in launched.output()
    browser.url = launch().started().console
    assert browser.get("/console", allow_redirects=False).status_code == 303


def test_the_log_tells_who_and_no_secret(launched) -> None:
    browser = Browser(launched.console)
    browser.log_in("ann", WRONG)
    browser.log_in("my password by mistake", WRONG)
    browser.log_in()
    token, cookie = browser.csrf("/console/events"), browser.cookies["thingwarden"]
    browser.submit("/console/logout")
    assert launched.stop() == 0
    log = launched.output()
    assert "ann logged in from 127.0.0.1" in log
    assert "a login of ann from 127.0.0.1 was refused" in log
    secrets = [PASSWORD, WRONG, token, cookie, "by mistake"]
    assert not [secret for secret in secrets if secret in log]


@pytest.mark.usefixtures("users")
def test_guardiankey_judges_logins_over_tls(account, judge, configure, launch, tmp_path) -> None:
    account.save(tmp_path / "guardiankey.toml")
    settings = {"api": judge, "ca": "authority.pem", "account": "guardiankey.toml"}
    configure(guardiankey=settings)
    agent = launch().started()
    assert Browser(agent.console).log_in().status_code == 303
    blocked = Browser(agent.console).log_in("mallory")
    assert (blocked.status_code, "This login was blocked." in blocked.text) == (403, True)
    with Store.open(tmp_path / "thingwarden.db") as store:
        told = [(login.user, login.outcome, login.response) for login in store.people.logins()]
    assert told == [("mallory", "blocked", "BLOCK"), ("ann", "accepted", told[1][2])]
    assert told[1][2] in ("ACCEPT", "NOTIFY")


@pytest.mark.parametrize(
    ("settings", "warns"),
    [
        ({"listen": "0.0.0.0:0"}, True),
        ({"listen": "0.0.0.0:0", "trusted_proxies": ["10.0.0.0/8"]}, False),
        ({"listen": "127.0.0.1:0"}, False),
    ],
    ids=["everywhere", "behind a proxy", "loopback"],
)
def test_passwords_in_clear_are_warned_of(configure, launch, settings, warns: bool) -> None:
    configure(console=settings)
    assert ("passwords and cookies travel in clear" in launch().started().output()) is warns
