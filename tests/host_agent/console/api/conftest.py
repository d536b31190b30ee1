"""Programs with tokens, and a door for them to open."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from host_agent.clock import now_ms
from host_agent.store import Store
from host_agent.tokens import new_token
from tests.host_agent.console.api.program import Program


@pytest.fixture
def store(parts) -> Store:
    """With a door in it."""
    parts.store.add_device("door", "Lock", "hq")
    store: Store = parts.store
    return store


@pytest.fixture
def issue(store: Store) -> Callable[..., str]:
    """issue(*scopes, **fields of the ApiToken that differ) is the text of a new token."""

    def issue(*scopes: str, **fields: Any) -> str:
        token, text = new_token("planner", scopes or ("read", "commands"), None, now_ms())
        store.people.add_token(dataclasses.replace(token, **fields))
        return text

    return issue


@pytest.fixture
def program(console, issue) -> Iterator[Callable[..., Program]]:
    """program(*scopes) is one with a new token."""
    with requests.Session() as closing:
        yield lambda *scopes, **fields: Program(console.url, issue(*scopes, **fields))
        closing.close()


@pytest.fixture
def count(parts) -> Callable[[str], float]:
    """count(result) of the requests so far."""

    def count(result: str) -> float:
        name = "thingwarden_api_requests_total"
        return parts.metrics.registry.get_sample_value(name, {"result": result}) or 0

    return count
