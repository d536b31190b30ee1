"""`python -m tools.sandbox` as a process, used by our own client library."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from host_agent.securithings import SecuriThings

ROOT = Path(__file__).parents[3]


def start(*arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "tools.sandbox", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def process():
    with start(
        "--listen", "127.0.0.1:0", SANDBOX_API_KEY="key-7", SANDBOX_API_SECRET="secret-7"
    ) as sandbox:
        yield sandbox
        sandbox.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_takes_events_and_stops(process, number):
    url = process.stdout.readline().removeprefix("listening on ").strip()
    responses = []
    with SecuriThings("key-7", "secret-7", "HVAC", "attic", f"{url}/api/v1/event") as client:
        event = client.create_external_event("power", {"headers": {"x-forwarded-for": None}})
        event.add_param("pressed", True)
        client.send_event(event, responses.append)
    assert [response.statuscode for response in responses] == [201]

    (received,) = requests.get(f"{url}/sandbox/events", timeout=60).json()["events"]
    assert received["body"]["PARAMS"] == [{"NAME": "pressed", "VALUE": "true"}]

    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


def test_an_address_in_use_is_one_clear_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with start("--listen", address) as sandbox:
            _, errors = sandbox.communicate(timeout=60)
    assert sandbox.returncode == 1
    assert errors.startswith(f"cannot listen on {address}: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    "address", ["", "8720", "localhost", "localhost:x", "localhost:99999", "a..b:1"]
)
def test_an_address_that_is_none_is_explained(address):
    with start("--listen", address) as sandbox:
        _, errors = sandbox.communicate(timeout=60)
    assert sandbox.returncode == 2
    assert "HOST:PORT" in errors
