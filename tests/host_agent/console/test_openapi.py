"""The OpenAPI document tells of everything that the console's listener answers, and of nothing
else."""

import json

import pytest
import requests
import schemathesis
from starlette.routing import Route

from host_agent.console.api.endpoint import Endpoint
from host_agent.console.api.openapi import document
from host_agent.console.app import console_app


def operations(described: dict) -> dict[tuple[str, str], dict]:
    return {
        (method.upper(), path): operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }


def routed(route: Route) -> set[tuple[str, str]]:
    """(method, path) of what the route answers."""
    endpoint = route.endpoint
    methods = endpoint.methods if isinstance(endpoint, Endpoint) else route.methods
    return {(method, route.path) for method in methods or {"any"}} - {("HEAD", route.path)}


def test_every_route_is_described_and_no_other(parts) -> None:
    routes = console_app(parts).routes
    assert operations(document()).keys() == set().union(*map(routed, routes))


def test_it_is_openapi() -> None:
    schemathesis.openapi.from_dict(document()).validate()
    broken = document()
    del broken["paths"]["/devices/{device}"]["get"]["parameters"][0]["name"]
    with pytest.raises(ValueError, match="name"):
        schemathesis.openapi.from_dict(broken).validate()


def test_it_is_served_to_anybody_as_it_is(console) -> None:
    answer = requests.get(f"{console.url}/openapi.json", timeout=60)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == document()


def test_every_operation_has_a_name_and_every_name_one_operation() -> None:
    names = [operation["operationId"] for operation in operations(document()).values()]
    assert len(set(names)) == len(names)


def test_every_schema_that_is_named_is_there() -> None:
    described = document()
    named = set()

    def look(part: object) -> None:
        if isinstance(part, dict):
            named.update(value for name, value in part.items() if name == "$ref")
        for inner in part.values() if isinstance(part, dict) else part:
            if isinstance(inner, dict | list):
                look(inner)

    look(described)
    schemas = described["components"]["schemas"]
    assert named == {f"#/components/schemas/{name}" for name in schemas}


def test_what_needs_a_token_says_so_and_tells_how_it_is_refused() -> None:
    for (_, path), operation in operations(document()).items():
        if path.startswith("/devices"):
            assert operation["security"] == [{"token": []}]
            assert {"401", "403", "429", "503"} <= operation["responses"].keys()
        assert "422" not in json.dumps(operation)
