"""Metrics and readiness are for this machine, and for programs with a token."""

import json

import pytest
import requests

from tests.host_agent.console.api.program import Program, told


@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
def test_from_afar_watching_needs_a_token(console, program, path: str) -> None:
    assert requests.get(console.url + path, timeout=60).status_code == 200
    for header in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
        from_afar = {header: "127.0.0.1"}
        refused = Program(console.url).get(path, headers=from_afar)
        assert told(refused) == (401, "unauthenticated")
    assert told(program("commands").get(path, headers=from_afar)) == (403, "forbidden")
    assert program("read").get(path, headers=from_afar).status_code == 200


def test_a_page_under_another_name_reads_no_metrics(run_console) -> None:
    browser = Program(run_console(host="0.0.0.0").url)
    for host in ("rebound.example", "rebound.example:8711", "[", "127.0.0.1.x"):
        assert browser.get("/metrics", headers={"Host": host}).status_code == 401, host
    for host in ("localhost", "127.0.0.1:80", "[::1]:8711"):
        assert browser.get("/metrics", headers={"Host": host}).status_code == 200, host


def test_an_agent_in_trouble_says_why(run_console) -> None:
    console = run_console(problems=lambda: ["delivery is paused"])
    answer = Program(console.url).get("/readyz")
    assert answer.status_code == 503
    assert json.loads(answer.text) == {"ready": False, "reasons": ["delivery is paused"]}
