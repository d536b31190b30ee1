"""A notification may lock doors down."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

DISK_FULL = """
import asyncio, resource, sys, time
from pathlib import Path
from host_agent.guardiankey import Notification, Response
from host_agent.lockdown import Lockdown
from host_agent.store import Store, StoreError

def limit_files(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

async def main(store):
    store.add_device("front", "Lock")
    lockdown = Lockdown(store, ["BLOCK"], ["front"])
    fields = dict.fromkeys(("user_name", "risk_level", "client_ip", "service", "agent_id"), "")
    blocked = Notification(
        event_id="e-1", generated_time=int(time.time()), response=Response.BLOCK, risk=None,
        event_token="", raw={}, **fields,
    )
    limit_files(0)
    try:
        await lockdown.on_notification(blocked, fresh=True)
        print("locked on a full disk")
    except StoreError:
        assert store.access("front") is None
    limit_files(resource.RLIM_INFINITY)
    print(await lockdown.on_notification(blocked, fresh=False), store.access("front").lockdown)
    print(await lockdown.on_notification(blocked, fresh=False))

with Store.open(Path(sys.argv[1])) as store:
    asyncio.run(main(store))
"""


@pytest.fixture
def doors(store) -> None:
    """Two doors with an access list, and a button without."""
    for name in ("front", "back", "button"):
        store.add_device(name, "Lock")
    store.add_credential("front", "anna", "code", "", "2468")
    store.add_credential("back", "anna", "code", "", "2468")


def locked(store) -> list[str]:
    states = {device.name: store.access(device.name) for device in store.devices()}
    return [name for name, state in states.items() if state is not None and state.lockdown]


@pytest.mark.usefixtures("doors")
def test_it_locks_the_named_doors(start, store) -> None:
    webhook = start(("BLOCK",), ("front",))
    assert webhook.notify(event_response="BLOCK").status == 200
    assert locked(store) == ["front"]


@pytest.mark.usefixtures("doors")
def test_it_locks_every_door_and_nothing_else(start, store, caplog) -> None:
    webhook = start(("BLOCK", "HARD_NOTIFY"), ("*",))
    with caplog.at_level(logging.INFO, "host_agent"):
        assert webhook.notify(event_response="EXTRAREQUIREMENT", eventId="e-7").status == 200
    assert locked(store) == ["back", "front"]
    assert store.access("button") is None
    (line,) = caplog.messages
    assert "lockdown of back, front" in line
    assert "e-7" in line and "HARD_NOTIFY" in line


@pytest.mark.usefixtures("doors")
@pytest.mark.parametrize("response", ["NOTIFY", "ACCEPT", "block", "", None])
def test_another_response_locks_nothing(start, store, response) -> None:
    webhook = start(("BLOCK",), ("*",))
    assert webhook.notify(event_response=response).status == 200
    assert locked(store) == []


@pytest.mark.usefixtures("doors")
def test_what_is_not_believed_locks_nothing(start, store) -> None:
    webhook = start(("BLOCK",), ("*",))
    assert webhook.notify(event_response="BLOCK", generatedTime=1).status == 403
    assert locked(store) == []


@pytest.mark.usefixtures("doors")
def test_a_repeated_one_does_not_lock_again_what_was_released(start, store) -> None:
    webhook = start(("BLOCK",), ("front",))
    body = webhook.body(event_response="BLOCK")
    assert webhook.post(body).status == 200
    store.set_lockdown("front", False)
    assert webhook.post(body).status == 403
    assert locked(store) == []


@pytest.mark.usefixtures("doors")
def test_a_door_that_is_not_there_keeps_no_other_open(start, store) -> None:
    webhook = start(("BLOCK",), ("gone", "front"))
    assert webhook.notify(event_response="BLOCK").status == 200
    assert locked(store) == ["front"]


def test_a_lockdown_that_the_disk_did_not_take_is_done_when_the_notification_comes_again(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(tmp_path / "agent.db")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.splitlines() == ["True True", "False"], done.stderr
