"""What the demonstration shows."""

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from rich.console import Console

from host_agent.securithings import SecuriThings
from host_agent.store import Store, StoredNotification
from tools.demo.journeys import Journeys
from tools.demo.watch import Watch
from tools.sandbox import running


@pytest.fixture
def sandbox() -> Iterator[str]:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running()) as sandbox,
    ):
        yield sandbox.url


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "agent.db") as store:
        yield store


def tell(store: Store, numbers: range) -> None:
    async def record() -> None:
        for number in numbers:
            await store.record_notification(notification(number))

    asyncio.run(record())


def notification(number: int) -> StoredNotification:
    return StoredNotification(
        event_id=f"event-{number}",
        auth_group_id="group",
        user=f"user-{number}",
        response="NOTIFY",
        risk=None,
        service="door",
        client_ip="192.0.2.7",
        generated_ms=number,
        received_ms=number,
        raw="{}",
    )


def test_every_notification_is_shown_once_and_in_order_however_many(
    sandbox: str, store: Store
) -> None:
    console = Console(file=io.StringIO())
    watch = Watch(console, sandbox, store, Journeys())
    for numbers in (range(2), range(2, 2), range(2, 1000), range(1000, 1003)):
        tell(store, numbers)
        watch.step()
        assert watch.notifications == numbers.stop
    shown = console.file.getvalue().splitlines()
    assert [line.split()[-1] for line in shown] == [f"user-{number}" for number in range(1003)]


def test_a_command_of_a_person_is_shown_and_no_journey_of_a_board(
    sandbox: str, store: Store
) -> None:
    console, journeys = Console(file=io.StringIO()), Journeys()
    url = f"{sandbox}/api/v1/event"
    with SecuriThings("demo-key", "demo-secret", "Lamp", device_id="porch", url=url) as client:
        event = client.create_external_event("lamp", {"headers": {"User-Agent": "browser"}})
        event.add_param("value", "on")
        event.set_ext_evt_id("porch:x:05da8c9538957070")
        client.send_event(event)
    Watch(console, sandbox, store, journeys).step()
    assert "lamp value=on" in console.file.getvalue()
    assert "person -> agent -> cloud" in console.file.getvalue()
    assert journeys.summary()["delivered"] == 0
