"""What every answer of the console tells a browser, and whom it answers."""

import pytest

from host_agent.console.headers import SECURITY_HEADERS


def is_secured(answer) -> bool:
    return all(answer.headers.get(name) == value for name, value in SECURITY_HEADERS.items())


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/console/login", 200),
        ("/console/static/console.css", 200),
        ("/console/live", 401),
        ("/console/events", 303),
        ("/nothing", 404),
        ("/healthz", 200),
        ("/devices", 401),
    ],
    ids=str,
)
def test_every_answer_has_the_security_headers(console, path: str, status: int) -> None:
    answer = console.browser().get(path, allow_redirects=False)
    assert answer.status_code == status
    assert is_secured(answer)
    assert answer.headers["cache-control"] == ("no-cache" if "static" in path else "no-store")
    assert "server" not in answer.headers


def test_refusals_and_defects_have_them_too(run_console) -> None:
    def broken() -> list[str]:
        raise RuntimeError("a defect")

    console = run_console(problems=broken)
    answer = console.browser().get("/readyz")
    assert (answer.status_code, answer.text) == (500, "the agent failed: see its log\n")
    assert is_secured(answer)
    answer = console.browser().get("/console/login", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert is_secured(answer)


def test_pages_run_nothing_but_their_own(console) -> None:
    policy = console.browser().get("/console/login").headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["form-action"] == "'self'"
    assert "unsafe" not in policy


def test_with_a_trusted_proxy_any_name_is_answered(run_console) -> None:
    console = run_console(trusted_proxies=["127.0.0.1"])
    browser = console.browser()
    answer = browser.get("/console/login", headers={"Host": "console.example"})
    assert answer.status_code == 200


def test_a_path_with_a_slash_too_many_leads_nowhere(signed_in) -> None:
    answer = signed_in.get("/console/events/", allow_redirects=False)
    assert (answer.status_code, "location" in answer.headers) == (404, False)
