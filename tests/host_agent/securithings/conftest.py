"""Clients of the library, closed with the test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from host_agent.securithings import SecuriThings


@pytest.fixture
def open_client() -> Iterator[Callable[..., SecuriThings]]:
    """open_client(url, ...) makes a client that is closed with the test."""
    with ExitStack() as stack:

        def start(url: str, **options: object) -> SecuriThings:
            client = SecuriThings("key-1", "secret-1", "HVAC", "attic", url, **options)
            return stack.enter_context(client)

        yield start


@pytest.fixture
def outcome(open_client) -> Callable[..., object]:
    """outcome(url, ...) sends one event there and returns the Response."""

    def send(url: str, **options: object) -> object:
        responses: list[object] = []
        client = open_client(url, **options)
        client.send_event(client.create_device_event("buttonState"), responses.append)
        client.close()
        (response,) = responses
        return response

    return send
