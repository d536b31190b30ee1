"""Every endpoint of the console's listener gets what its description allows, and what it does not,
from a stranger, a program and a person; whatever comes is answered as the description says."""

import dataclasses
import os
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, CheckFunction
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from host_agent.clock import now_ms
from host_agent.console.api.openapi import document
from host_agent.tokens import new_token

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
    person: requests.Session = dataclasses.field(repr=False)
    csrf: str = dataclasses.field(repr=False)
    known: dict[str, str]

    def ask(self, case: Case) -> None:
        """The case as a stranger's, a program's and a person's; then of things that are there."""
        case.call_and_validate(self.url, checks=CHECKS)
        self._as_program(case, OF_PROGRAMS if case.path.startswith("/devices") else CHECKS)
        self._as_person(case)
        if case.method == case.operation.method.upper():
            there = self._with(case, path_parameters=self._of_what_is_there(case))
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

    def _as_program(self, case: Case, expected: list[CheckFunction]) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        case.call_and_validate(self.url, headers=headers, checks=expected)

    def _as_person(self, case: Case) -> None:
        if case.path != ENDLESS:
            case.call_and_validate(self.url, session=self.person, checks=CHECKS)


@pytest.fixture
def callers(console, signed_in, parts) -> Callers:
    store = parts.store
    store.add_device("door", "Lock")
    command = store.commands.add("door", "power", True)
    token, text = new_token("fuzz", ["read", "commands"], None, now_ms())
    store.people.add_token(token)
    known = {"device": "door", "command": str(command.id), "id": "1", "file": "console.css"}
    return Callers(console.url, text, signed_in, signed_in.csrf(), known)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize="THINGWARDEN_FUZZ_EXAMPLES" not in os.environ,
)
def test_whatever_comes_is_answered(case: Case, callers: Callers) -> None:
    callers.ask(case)
