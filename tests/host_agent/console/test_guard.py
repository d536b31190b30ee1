"""Nobody gets past the guard without a session, no form without its page."""

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from host_agent.console.forms import MAX_FIELDS, MAX_FORM_BYTES
from host_agent.console.guard import MAX_LOGIN_BYTES
from host_agent.console.pages.rendering import IN_BACKGROUND
from host_agent.console.sessions import IDLE_S, Sessions
from tests.host_agent.browser import PASSWORD, Browser, csrf
from tests.host_agent.store.file import alter

LOGIN = "/console/login"


def with_cookie(console, cookie: str, **headers: str) -> Browser:
    """Another browser that has it."""
    browser: Browser = console.browser()
    browser.cookies.set("thingwarden", cookie, path="/console")
    browser.headers.update(headers)
    return browser


def gets_in(browser: Browser) -> bool:
    answer = browser.get("/console/events", allow_redirects=False)
    assert answer.status_code in (200, 303)
    return answer.status_code == 200


def test_without_a_session_everything_leads_to_the_login(console) -> None:
    browser = console.browser()
    for path, location in [
        ("/console", LOGIN),
        ("/console?a=1", f"{LOGIN}?next=/console%3Fa%3D1"),
        ("/console/", f"{LOGIN}?next=/console/"),
        ("/console/events?text=a%26b", f"{LOGIN}?next=/console/events%3Ftext%3Da%2526b"),
        ("/console/events/1", f"{LOGIN}?next=/console/events/1"),
        ("/console/devices/door", f"{LOGIN}?next=/console/devices/door"),
        ("/console/nothing", f"{LOGIN}?next=/console/nothing"),
        ("/console/login/", f"{LOGIN}?next=/console/login/"),
    ]:
        for method in ("GET", "HEAD"):
            answer = browser.request(method, path, allow_redirects=False)
            assert (answer.status_code, answer.headers["location"]) == (303, location), path
    for path in ("/console/logout", "/console/events/1/retry", "/console/devices/a/commands"):
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            answer = browser.request(method, path, data=b"x" * 10, allow_redirects=False)
            assert (answer.status_code, answer.headers["location"]) == (303, LOGIN), path
    assert browser.get("/console/live").status_code == 401
    assert browser.get("/", allow_redirects=False).headers["location"] == "/console"


def test_a_path_spelled_otherwise_is_no_way_around(console) -> None:
    host, port = console.url.removeprefix("http://").split(":")
    for path in (
        "/console/static/../events",
        "/console/static/%2e%2e/events",
        "/console/login/../events",
        "/console/./events",
        "//console/events",
        "/%63onsole/events",
        "/console%2fevents",
        "/CONSOLE/events",
        "/console/static/..%2f..%2fapp.py",
        "/console/static//etc/passwd",
        "/console/static/%2fetc%2fpasswd",
        f"http://{host}:{port}/console/events",
    ):
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(
                f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
            )
            status = connection.makefile("rb").readline().split()[1]
        assert status in (b"303", b"404"), path


def test_the_style_is_there_before_the_login(console) -> None:
    answer = console.browser().get("/console/static/console.css")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    tag = answer.headers["etag"]
    again = console.browser().get("/console/static/console.css", headers={"If-None-Match": tag})
    assert again.status_code == 304
    assert console.browser().get("/console/static/nothing.css").status_code == 404
    assert console.browser().post("/console/static/console.css").status_code == 405


def test_whoever_is_in_is_told_what_is_not_there(signed_in) -> None:
    answer = signed_in.get("/console/nothing")
    assert (answer.status_code, "There is nothing here" in answer.text) == (404, True)
    assert 'href="/console"' in answer.text
    fields = {"csrf": signed_in.csrf("/console/events")}
    assert signed_in.post("/console", data=fields).status_code == 405
    assert signed_in.put("/console", data=fields).status_code == 405


def test_a_cookie_is_worth_nothing_after_the_logout(signed_in, console) -> None:
    thief = with_cookie(console, signed_in.cookies["thingwarden"])
    assert gets_in(thief)
    signed_in.submit("/console/logout")
    assert not gets_in(thief)
    assert not gets_in(signed_in)


def test_a_stolen_cookie_ends_the_session(signed_in, console) -> None:
    thief = with_cookie(console, signed_in.cookies["thingwarden"], **{"User-Agent": "Thief/1.0"})
    assert not gets_in(thief)
    assert not gets_in(signed_in)
    assert signed_in.log_in().status_code == 303
    assert gets_in(signed_in)


def test_a_cookie_from_another_address_ends_the_session(run_console) -> None:
    console = run_console(trusted_proxies=["127.0.0.1"])
    console.add_user()
    browser = console.browser()
    browser.headers["X-Forwarded-For"] = "192.0.2.1"
    browser.log_in()
    assert gets_in(browser)
    forged = {"X-Forwarded-For": "192.0.2.1, 192.0.2.2"}
    assert not gets_in(with_cookie(console, browser.cookies["thingwarden"], **forged))
    assert not gets_in(browser)


def test_an_address_is_believed_from_a_trusted_proxy_only(signed_in) -> None:
    signed_in.headers["X-Forwarded-For"] = "192.0.2.1"
    assert gets_in(signed_in)


@pytest.mark.parametrize("cookie", ["", "a" * 43, "a" * 8000, '"', "\x80", "a=b; thingwarden=c"])
def test_a_cookie_of_nobody_is_none(console, cookie: str) -> None:
    headers = {"Cookie": f"thingwarden={cookie}".encode("latin-1")}
    answer = requests.get(f"{console.url}/console", headers=headers, allow_redirects=False)
    assert answer.status_code == 303


def test_a_page_that_is_merely_open_is_no_use(run_console, parts) -> None:
    now = [0.0]
    console = run_console(sessions=Sessions(parts.store, lambda: now[0]))
    console.add_user()
    browser = console.browser()
    browser.log_in()
    now[0] = IDLE_S - 1.0
    headers = {IN_BACKGROUND: "1"}
    assert browser.get("/console/events", headers=headers, allow_redirects=False).ok
    with browser.get("/console/live", stream=True) as live:
        assert live.status_code == 200
    now[0] = IDLE_S
    assert not gets_in(browser)


def test_without_its_store_the_console_says_what_is_wrong(signed_in, parts) -> None:
    parts.store.close()
    answer = signed_in.get("/console")
    assert (answer.status_code, "see the agent" in answer.text) == (503, True)


def test_what_of_the_store_a_page_cannot_read_costs_that_page_only(signed_in, tmp_path) -> None:
    (path,) = tmp_path.glob("*.db")
    alter(path, "ALTER TABLE notifications RENAME TO lost")
    answer = signed_in.get("/console")
    assert (answer.status_code, "see the agent" in answer.text) == (503, True)
    assert int(answer.headers["Retry-After"]) > 0
    assert str(path) not in answer.text
    assert signed_in.get("/console/events").status_code == 200


def test_a_user_that_another_process_removes_is_out(signed_in, tmp_path: Path) -> None:
    assert gets_in(signed_in)
    command = [sys.executable, "-m", "host_agent", "user", "remove", "ann"]
    (tmp_path / "agent.toml").touch()
    removed = subprocess.run(
        command, cwd=tmp_path, timeout=60, capture_output=True, text=True, env=os.environ
    )
    assert removed.returncode == 0, removed.stderr
    assert not gets_in(signed_in)


def test_a_form_of_another_site_is_refused(signed_in, console) -> None:
    own, others = console.url, "https://evil.example"
    token = signed_in.csrf("/console/events")
    for headers in (
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "nonsense"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": others},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://["},
        {"Origin": f"{own}.evil.example"},
        {"Origin": own, "Sec-Fetch-Site": "cross-site"},
    ):
        answer = signed_in.post("/console/logout", data={"csrf": token}, headers=headers)
        assert (answer.status_code, gets_in(signed_in)) == (403, True), headers
        fields = {"user": "ann", "password": PASSWORD}
        answer = console.browser().post(LOGIN, data=fields, headers=headers)
        assert (answer.status_code, answer.cookies.keys()) == (403, []), headers
    for headers in (
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": others},
        {"Origin": own},
        {},
    ):
        signed_in.headers.update(headers)
        assert signed_in.log_in().status_code == 303, headers
        assert signed_in.submit("/console/logout").status_code == 303, headers
        assert not gets_in(signed_in)
        for name in headers:
            del signed_in.headers[name]


def test_a_form_without_the_token_of_its_session_is_refused(signed_in, console) -> None:
    other = console.browser()
    other.log_in()
    token = signed_in.csrf("/console/events")
    for fields in (
        {"name": "value"},
        {"csrf": ""},
        {"csrf": token[:-1]},
        {"csrf": token + "a"},
        {"csrf": "ä\0\U0001f600"},
        {"csrf": other.csrf("/console/events")},
        {"CSRF": token},
        [("csrf", token), ("csrf", "")],
    ):
        answer = signed_in.post("/console/logout", data=fields, allow_redirects=False)
        assert answer.status_code == 403
        assert "not from this console, or is too old" in answer.text
    assert gets_in(signed_in)
    answer = signed_in.post(f"/console/logout?csrf={token}", data={"a": ""}, allow_redirects=False)
    assert answer.status_code == 403


def test_a_form_of_the_session_before_is_too_old(signed_in) -> None:
    token = signed_in.csrf("/console/events")
    signed_in.log_in()
    answer = signed_in.post("/console/logout", data={"csrf": token}, allow_redirects=False)
    assert answer.status_code == 403
    assert csrf(answer.text) != token


def test_what_is_no_form_is_refused(signed_in) -> None:
    token = signed_in.csrf("/console/events")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    good = f"csrf={token}".encode()
    for body, headers, status in [
        (good, {}, 415),
        (good, {"Content-Type": "text/plain"}, 415),
        (good, {"Content-Type": "application/json"}, 415),
        (good, {"Content-Type": "multipart/form-data; boundary=a"}, 415),
        (good + b"&a=%ff", form, 400),
        (good + b"&a=\xff", form, 400),
        (good + b"&a=1" * MAX_FIELDS, form, 400),
        (good + b"&a=" + b"a" * MAX_FORM_BYTES, form, 413),
        (good, {"Content-Type": "Application/X-WWW-Form-URLEncoded; charset=utf-8"}, 303),
    ]:
        answer = signed_in.post(
            "/console/logout", data=body, headers=headers, allow_redirects=False
        )
        assert answer.status_code == status, headers
        assert len(answer.text) < 4000


def test_a_stranger_may_send_little(console) -> None:
    browser = console.browser()
    fields = {"user": "a" * MAX_LOGIN_BYTES, "password": "x"}
    assert browser.post(LOGIN, data=fields).status_code == 413
    pieces = (b"a" * 1024 for _ in range(1 + MAX_LOGIN_BYTES // 1024))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser.post(LOGIN, data=pieces, headers=headers).status_code == 413


@contextmanager
def a_login_that_begins(console):
    """A connection that has begun a login with a body of 10 bytes."""
    host, port = console.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(
            b"POST /console/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        )
        yield connection


def test_a_body_that_breaks_off_hurts_nobody(console, eventually) -> None:
    with a_login_that_begins(console) as connection:
        connection.sendall(b"user=")
    assert console.browser().get(LOGIN).status_code == 200
    assert eventually(lambda: console.parts.store.people.logins() == [], "nobody tried")
