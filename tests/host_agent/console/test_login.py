"""Who gets in, and who does not."""

import logging
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from host_agent.console.login_judge import HASHES_AT_A_TIME, MAX_WAITING
from host_agent.console.login_limits import FREE_FAILURES
from host_agent.passwords import COST as REAL_COST
from host_agent.passwords import hash_password
from host_agent.store import Store
from tests.host_agent.browser import PASSWORD
from tests.host_agent.console.conftest import COST

WRONG = "wrong horse battery staple"


def outcomes(console) -> list[tuple[str, str]]:
    """Of the logins that were kept, oldest first: (user, what became of it)."""
    logins = console.parts.store.people.logins(1000)
    return [(login.user, login.outcome) for login in reversed(logins)]


def counted(console, result: str) -> float:
    registry = console.parts.metrics.registry
    return registry.get_sample_value("thingwarden_logins_total", {"result": result}) or 0


def test_a_user_logs_in_sees_the_console_and_logs_out(signed_in, console) -> None:
    page = signed_in.get("/console")
    assert (page.status_code, "ann" in page.text) == (200, True)
    assert signed_in.submit("/console/logout").headers["location"] == "/console/login"
    assert "thingwarden" not in signed_in.cookies
    assert signed_in.get("/console", allow_redirects=False).status_code == 303
    (login,) = console.parts.store.people.logins()
    assert (login.user, login.outcome, login.source_ip) == ("ann", "accepted", "127.0.0.1")
    assert (login.user_agent, login.response) == ("Browser/1.0", "")
    assert counted(console, "accepted") == 1


def test_the_cookie_is_for_the_console_and_no_script(console) -> None:
    console.add_user()
    (cookie,) = console.browser().log_in().headers["set-cookie"].splitlines()
    value, *attributes = cookie.split("; ")
    assert re.fullmatch(r"thingwarden=[\w-]{43}", value)
    assert sorted(attributes) == ["HttpOnly", "Path=/console", "SameSite=strict"]


@pytest.mark.parametrize(
    ("proto", "proxies", "secure"),
    [
        ("https", ["127.0.0.1"], True),
        ("http", ["127.0.0.1"], False),
        ("https", ["10.0.0.0/8"], False),
        ("https", [], False),
    ],
)
def test_the_cookie_is_secure_when_a_trusted_proxy_has_tls(
    run_console, proto: str, proxies: list[str], secure: bool
) -> None:
    console = run_console(trusted_proxies=proxies)
    console.add_user()
    browser = console.browser()
    browser.headers["X-Forwarded-Proto"] = proto
    assert ("; Secure" in browser.log_in().headers["set-cookie"]) is secure


def test_all_that_is_wrong_gets_one_answer(run_console) -> None:
    console = run_console(trusted_proxies=["127.0.0.1"])
    console.add_user()
    wrong = [
        ("ann", WRONG),
        ("ann", ""),
        ("ann", PASSWORD + "\0"),
        ("ann", PASSWORD * 50),
        ("bob", PASSWORD),
        ("ANN", PASSWORD),
        ("ann ", PASSWORD),
        ("", ""),
        ("ann' OR '1'='1", PASSWORD),
        ("a" * 5000, PASSWORD),
        ("\0\u202e\U0001f600", PASSWORD),
    ]
    for number, (user, password) in enumerate(wrong):
        browser = console.browser()
        browser.headers["X-Forwarded-For"] = f"192.0.2.{number}"
        answer = browser.log_in(user, password)
        assert answer.status_code == 403, user
        assert "Wrong user name or password." in answer.text
        assert "set-cookie" not in answer.headers
        assert PASSWORD not in answer.text
        assert browser.get("/console", allow_redirects=False).status_code == 303
    kept = [("ann" if user == "ann" else "", "refused") for user, _ in wrong]
    assert outcomes(console) == kept


def test_a_user_whose_hash_is_damaged_is_kept_out(console) -> None:
    console.parts.store.people.add_user("ann", "", "$argon2id$damaged")
    assert console.browser().log_in().status_code == 403


def test_without_users_the_page_says_how_to_add_one(console) -> None:
    assert "thingwarden user add NAME" in console.browser().get("/console/login").text
    console.add_user()
    assert "thingwarden user add" not in console.browser().get("/console/login").text


def test_after_the_login_people_go_on_within_the_console(console) -> None:
    console.add_user()
    for wanted, next_page in [
        ("/console", "/console"),
        ("/console/events?state=dead&text=a%20b", "/console/events?state=dead&text=a%20b"),
        ("/console?a=1", "/console?a=1"),
        ("", "/console"),
        ("https://evil.example/console", "/console"),
        ("//evil.example/console", "/console"),
        ("/consolevil", "/console"),
        ("/console/\\evil.example", "/console"),
        ("/console/\r\nSet-Cookie: a=b", "/console"),
        ("/metrics", "/console"),
        ("/console/../metrics", "/console"),
        ("/console/events/.%2E/..", "/console"),
        ("/console/devices/a..b?text=/..", "/console/devices/a..b?text=/.."),
        ("/console/login?next=/console", "/console"),
        ("/console/" + "a" * 2000, "/console"),
    ]:
        browser = console.browser()
        answer = browser.log_in(next=wanted)
        assert (answer.status_code, answer.headers["location"]) == (303, next_page)
        again = browser.get("/console/login", params={"next": wanted}, allow_redirects=False)
        assert (again.status_code, again.headers["location"]) == (303, next_page)


def test_the_page_that_was_asked_for_survives_the_login(console) -> None:
    console.add_user()
    browser = console.browser()
    form = browser.get("/console/events?text=%22a%26b%22")
    (wanted,) = re.findall(r'name="next" value="([^"]*)"', form.text)
    assert browser.log_in(password=WRONG, next=wanted).text.count(f'value="{wanted}"') == 1
    assert browser.log_in(next=wanted).headers["location"] == "/console/events?text=%22a%26b%22"


def test_a_login_anew_ends_the_session_before(signed_in, console) -> None:
    before = signed_in.cookies["thingwarden"]
    assert signed_in.log_in().status_code == 303
    other = console.browser()
    other.cookies.set("thingwarden", before, path="/console")
    assert other.get("/console", allow_redirects=False).status_code == 303
    assert signed_in.get("/console").status_code == 200


def test_after_some_failures_even_the_right_password_has_to_wait(console) -> None:
    console.add_user()
    browser = console.browser()
    for _ in range(FREE_FAILURES):
        assert browser.log_in(password=WRONG).status_code == 403
    for _ in range(2):
        answer = browser.log_in()
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["retry-after"]) <= 10
        assert "Too many attempts" in answer.text
    assert outcomes(console) == [("ann", "refused")] * FREE_FAILURES + [("ann", "limited")]
    assert counted(console, "limited") == 2


def test_failures_elsewhere_do_not_lock_a_user_out_at_home(run_console) -> None:
    console = run_console(trusted_proxies=["127.0.0.1"])
    console.add_user()

    def status(address: str, password: str) -> int:
        browser = console.browser()
        browser.headers["X-Forwarded-For"] = address
        return browser.log_in(password=password).status_code

    assert status("192.0.2.1", PASSWORD) == 303
    for number in range(FREE_FAILURES):
        assert status(f"198.51.100.{number}", WRONG) == 403
    assert status("198.51.100.99", PASSWORD) == 429
    assert status("192.0.2.1", PASSWORD) == 303


def test_a_flood_of_logins_is_bounded_and_the_console_goes_on(run_console) -> None:
    console = run_console(trusted_proxies=["127.0.0.1"], password_cost=REAL_COST)
    bound = HASHES_AT_A_TIME + MAX_WAITING
    many = bound + 6

    def attempt(number: int) -> tuple[int, str | None]:
        browser = console.browser()
        browser.headers["X-Forwarded-For"] = f"192.0.2.{number}"
        answer = browser.log_in(f"user{number}")
        return answer.status_code, answer.headers.get("retry-after")

    with ThreadPoolExecutor(many) as pool:
        answers = list(pool.map(attempt, range(many)))
    assert set(answers) == {(403, None), (503, "2")}
    assert answers.count((403, None)) >= bound
    assert counted(console, "busy") == answers.count((503, "2"))
    assert console.browser().get("/healthz").status_code == 200


def test_many_at_once_are_not_more_tries(console) -> None:
    console.add_user()
    with ThreadPoolExecutor(8) as pool:
        answers = [
            pool.submit(console.browser().log_in, password=WRONG) for _ in range(4 * FREE_FAILURES)
        ]
    statuses = [answer.result().status_code for answer in answers]
    assert statuses.count(403) == FREE_FAILURES
    assert statuses.count(429) == 3 * FREE_FAILURES


def test_an_old_hash_is_renewed_and_its_sessions_go_on(run_console, parts) -> None:
    console = run_console(password_cost=REAL_COST)
    console.add_user()
    old = parts.store.people.user("ann").password
    browser = console.browser()
    assert browser.log_in().status_code == 303
    renewed = parts.store.people.user("ann").password
    assert renewed != old
    assert f"m={REAL_COST.memory_cost}" in renewed
    assert browser.get("/console").status_code == 200


def test_neither_log_nor_store_learn_what_is_secret(console, caplog, tmp_path) -> None:
    caplog.set_level(logging.DEBUG)
    console.add_user()
    browser = console.browser()
    browser.log_in("my password by mistake", "secret-one")
    browser.log_in("ann", "secret-two")
    browser.log_in()
    cookie, token = browser.cookies["thingwarden"], browser.csrf("/console/events")
    browser.post("/console/logout", data={"csrf": "secret-three"})
    thief = console.browser()
    thief.headers["User-Agent"] = "other"
    thief.cookies.set("thingwarden", cookie, path="/console")
    thief.get("/console")
    assert "its cookie came from another browser" in caplog.text
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("thingwarden.db*"))
    secrets = ["by mistake", "secret-one", "secret-two", "secret-three", PASSWORD, cookie, token]
    assert not [secret for secret in secrets if secret in caplog.text]
    assert not [secret for secret in secrets if secret.encode() in kept]


def test_a_store_that_fails_lets_nobody_in_and_says_so(console, parts, caplog) -> None:
    console.add_user()
    parts.store.close()
    answer = console.browser().log_in()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "see the agent" in answer.text
    assert "/console/login cannot be answered" in caplog.text


def test_a_user_of_another_process_gets_in_at_once(console, tmp_path) -> None:
    with Store.open(tmp_path / "thingwarden.db") as other:
        other.people.add_user("eve", "", hash_password(PASSWORD, "eve", COST))
    assert console.browser().log_in("eve").status_code == 303
