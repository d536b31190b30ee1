"""Every endpoint of the console's listener gets what its description allows, and what it does not,
from a stranger, a program and a person; whatever comes is answered as the description says."""

import dataclasses
import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, CheckFunction
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from host_agent.clock import now_ms
from host_agent.console.api.openapi import document
from host_agent.store import Caller, Dead
from host_agent.tokens import new_token
from tests.host_agent.console.conftest import Browser

EXAMPLES = int(os.environ.get("THINGWARDEN_FUZZ_EXAMPLES", "8"))
"""For each endpoint, beside those at the edges of what is described."""
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
OF_PROGRAMS = [*CHECKS, checks.negative_data_rejection, checks.positive_data_acceptance]
ENDLESS = "/console/live"

schema = schemathesis.openapi.from_dict(document())


@dataclasses.dataclass
class Callers:
    """Who asks, and what there is to ask for."""

    url: str
    token: str = dataclasses.field(repr=False)
    person: Browser = dataclasses.field(repr=False)
    known: dict[str, object]
    strangers: int = 0
    csrf: str = dataclasses.field(default="", repr=False)

    def ask(self, case: Case) -> None:
        """The case as a stranger's, a program's and a person's; then of things that are there."""
        self._as_stranger(case)
        self._as_program(case, OF_PROGRAMS if case.path.startswith("/devices") else CHECKS)
        self._as_person(case)
        if case.method == case.operation.method.upper():
            there = self._with(case, path_parameters=self._of_what_is_there(case), cookies={})
            self._as_program(there, CHECKS)
            if isinstance(case.body, dict):
                there = self._with(there, body={**case.body, "csrf": self.csrf})
            self._as_person(there)

    def _of_what_is_there(self, case: Case) -> dict[str, Any]:
        there = {name: self.known[name] for name in case.path_parameters if name in self.known}
        if case.method == "POST":
            there.pop("command", None)
        return {**case.path_parameters, **there}

    def _with(self, case: Case, **changed: Any) -> Case:
        fields = ("method", "path_parameters", "headers", "cookies", "query", "body", "media_type")
        return case.operation.Case(**{name: getattr(case, name) for name in fields} | changed)

    def _as_stranger(self, case: Case) -> None:
        """Each has an address of its own, so that none has to wait for what another one did."""
        self.strangers += 1
        headers = {"X-Forwarded-For": f"2001:db8:{self.strangers:x}::1"}
        case.call_and_validate(self.url, headers=headers, checks=CHECKS)

    def _as_program(self, case: Case, expected: list[CheckFunction]) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        case.call_and_validate(self.url, headers=headers, checks=expected)

    def _as_person(self, case: Case) -> None:
        """With the session's own browser: another one would end it."""
        if case.path == ENDLESS:
            return
        if not self.csrf or case.path == "/console/logout":
            assert self.person.log_in().status_code == 303
            self.csrf = self.person.csrf()
        case.call_and_validate(
            self.url,
            headers={"User-Agent": self.person.headers["User-Agent"]},
            cookies=self.person.cookies.get_dict(),
            checks=CHECKS,
        )


@pytest.fixture
def callers(run_console, parts) -> Iterator[Callers]:
    store = parts.store
    store.add_device("door", "Lock")
    token, text = new_token("fuzz", ["read", "commands"], None, now_ms())
    store.people.add_token(token)
    console = run_console(trusted_proxies=["127.0.0.1"])
    console.add_user()
    command, _ = console.call(store.commands.request, "door", "power", True, 60, Caller())
    (event,) = store.events()
    console.call(store.settle, [Dead(event.id, "refused")])
    known = {"device": "door", "command": command.id, "id": event.id, "file": "console.css"}
    with console.browser() as person:
        yield Callers(console.url, text, person, known)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize="THINGWARDEN_FUZZ_EXAMPLES" not in os.environ,
)
def test_whatever_comes_is_answered(case: Case, callers: Callers) -> None:
    callers.ask(case)
