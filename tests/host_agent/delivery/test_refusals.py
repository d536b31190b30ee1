"""What delivery makes of every answer that is not a yes."""

import asyncio
import logging
import sqlite3
import time
from contextlib import closing

import pytest
from aiohttp import web

from host_agent.delivery import delivery
from host_agent.delivery.settings import Endpoint
from host_agent.metrics import Metrics
from host_agent.store import Retry
from tools import sandbox as sandboxes

HOUR_MS = 3_600_000


def now_ms():
    return time.time_ns() // 1_000_000


@pytest.mark.parametrize("status", [400, 404, 409, 413, 422])
def test_a_refusal_that_cannot_heal_makes_a_dead_letter(
    store, press, delivering, until, received, fail, status
):
    async def scenario():
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            fail(sandbox, kind="status", status=status)
            await press("door", 1, 2)
            await until(lambda: store.stats().pending == 0)
            return received(sandbox)

    assert asyncio.run(scenario()) == ["door:1:2"], "the device's order moves on"
    (letter,) = store.events(state="dead")
    assert letter.reason == f'HTTP {status} {{"error": "a fault"}}'


@pytest.mark.parametrize("status", [301, 307, 408, 425, 429, 500, 502, 503, 599])
def test_a_failure_that_may_heal_is_retried(
    store, press, delivering, until, received, fail, status
):
    async def scenario():
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            fail(sandbox, kind="status", status=status)
            await press("door", 1)
            await until(lambda: store.stats().delivered)
            return received(sandbox)

    assert asyncio.run(scenario()) == ["door:1:1"]
    assert store.events()[0].attempts == 1


def test_a_redirect_is_not_followed(press, delivering, until, cloud):
    async def scenario():
        async with cloud(lambda _: web.Response(status=201)) as elsewhere:
            location = {"Location": f"{elsewhere.url}/api/v1/event"}
            async with (
                cloud(lambda _: web.Response(status=307, headers=location)) as endpoint,
                delivering(endpoint.url),
            ):
                await press("door", 1)
                await until(lambda: len(endpoint.bodies) >= 2)
            return elsewhere.bodies

    assert asyncio.run(scenario()) == []


def test_the_schedule_survives_a_restart(store, press, delivering, until, received):
    """The event that failed before is not due yet, so only the other one goes out."""

    async def scenario():
        await press("door", 1)
        (event,) = store.pending("door", 0, 1)
        due_ms = now_ms() + HOUR_MS // 2
        await store.settle([Retry(event.id, 3, now_ms(), due_ms, "HTTP 503")])
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            await press("gate", 1)
            await until(lambda: store.stats().delivered)
            return received(sandbox)

    assert asyncio.run(scenario()) == ["gate:1:1"]


def test_attempts_go_on_counting_after_a_restart(store, press, delivering, until, fail):
    first_ms = now_ms() - 1000

    async def scenario():
        await press("door", 1)
        (event,) = store.pending("door", 0, 1)
        await store.settle([Retry(event.id, 3, first_ms, now_ms() - 1, "HTTP 503")])
        async with sandboxes.running() as sandbox, delivering(sandbox.url, retry_base_s=60):
            fail(sandbox, kind="status", status=503, retry_after=60, count=0)
            await until(lambda: store.pending("door", 0, 1)[0].attempts == 4)

    asyncio.run(scenario())
    (event,) = store.pending("door", 0, 1)
    assert event.first_attempt_ms == first_ms
    assert event.next_ms > now_ms()


def test_a_clock_that_was_set_back_does_not_hold_up_an_event(store, press, delivering, until):
    async def scenario():
        await press("door", 1)
        (event,) = store.pending("door", 0, 1)
        in_a_year_ms = now_ms() + 365 * 24 * HOUR_MS
        await store.settle([Retry(event.id, 1, in_a_year_ms, in_a_year_ms, "HTTP 503")])
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            await until(lambda: store.stats().delivered)

    asyncio.run(scenario())


def test_an_event_that_waits_when_the_clock_is_set_back_waits_no_longer(
    store, press, delivering, until, fail, monkeypatch
):
    async def scenario():
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            fail(sandbox, kind="status", status=503, retry_after=1)
            await press("door", 1)
            await until(lambda: store.pending("door", 0, 1)[0].attempts)
            monkeypatch.setattr(delivery, "now_ms", lambda: now_ms() - HOUR_MS // 2)
            await until(lambda: store.stats().delivered)

    asyncio.run(scenario())


def test_retry_after_holds_every_device(store, press, delivering, until, received, fail):
    async def scenario():
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            fail(sandbox, kind="status", status=429, retry_after=600)
            await press("door", 1)
            await until(lambda: store.pending("door", 0, 1)[0].attempts)
            await press("gate", 1)
            # The end of the block lets requests under way finish, so none was started.
        return received(sandbox)

    started_ms = now_ms()
    assert asyncio.run(scenario()) == []
    assert store.pending("door", 0, 1)[0].next_ms >= started_ms + 600_000


def test_delivery_goes_on_after_retry_after(store, press, delivering, until, received, fail):
    async def scenario():
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            fail(sandbox, kind="status", status=503, retry_after=1)
            await press("door", 1, 2)
            await until(lambda: store.stats().delivered == 2)
            return received(sandbox)

    assert asyncio.run(scenario()) == ["door:1:1", "door:1:2"]


def test_an_event_that_keeps_failing_is_given_up(store, press, delivering, until, received, fail):
    async def scenario():
        await press("door", 1, 2)
        event = store.pending("door", 0, 1)[0]
        await store.settle([Retry(event.id, 23, now_ms() - 24 * HOUR_MS, 0, "HTTP 503")])
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            fail(sandbox, kind="status", status=503)
            await until(lambda: store.stats().pending == 0)
            return received(sandbox)

    assert asyncio.run(scenario()) == ["door:1:2"]
    (letter,) = store.events(state="dead")
    assert letter.reason.startswith("given up after 24 attempts; the last: HTTP 503")


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_pause_delivery_until_they_work(
    store, press, delivering, until, received, fail, caplog, status
):
    metrics = Metrics()

    def gauge():
        return metrics.registry.get_sample_value("thingwarden_delivery_paused")

    async def scenario():
        async with sandboxes.running() as sandbox, delivering(sandbox.url, metrics) as delivery:
            fail(sandbox, kind="status", status=status, count=4)
            await press("door", 1, 2)
            await press("gate", 1)
            await until(lambda: delivery.paused)
            assert "credentials" in delivery.paused
            assert gauge() == 1
            await until(lambda: store.stats().delivered == 3)
            assert delivery.paused is None
            assert gauge() == 0
            return received(sandbox)

    with caplog.at_level(logging.INFO, logger="host_agent"):
        order = asyncio.run(scenario())

    assert [i for i in order if i.startswith("door")] == ["door:1:1", "door:1:2"]
    assert {event.attempts for event in store.events()} == {0}, "it was not the events' fault"
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "accepts the credentials" in caplog.text


def test_a_pause_sends_one_event_at_a_time(store, press, delivering, until, cloud):
    """Of many devices with events only one probes, again and again."""

    async def scenario():
        for n in range(20):
            await press(f"board-{n}", 1)
        async with (
            cloud(lambda _: web.Response(status=401)) as endpoint,
            delivering(endpoint.url, concurrency=5, probe_s=0.1) as delivery,
        ):
            await until(lambda: delivery.paused)
            await until(lambda: len(endpoint.bodies) >= 5)
            at_pause = len(endpoint.bodies)
            await until(lambda: len(endpoint.bodies) >= at_pause + 2)
            return at_pause

    assert asyncio.run(scenario()) <= 6
    assert store.stats().pending == 20


def test_an_outage_is_logged_once_and_its_end_too(store, press, delivering, until, fail, caplog):
    async def scenario():
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            fail(sandbox, kind="reset", count=12)
            await press("door", 1, 2)
            await press("gate", 1, 2)
            await until(lambda: store.stats().delivered == 4)

    with caplog.at_level(logging.INFO, logger="host_agent"):
        asyncio.run(scenario())
    assert caplog.text.count("does not take events") == 1
    assert caplog.text.count("takes events again") == 1
    assert len(caplog.records) == 2, "never a line per event"


def test_an_endpoint_that_is_not_there_yet(
    store, press, delivering, until, unused_port_url, received
):
    async def scenario():
        async with delivering(unused_port_url):
            await press("door", 1)
            await until(lambda: store.pending("door", 0, 1)[0].attempts >= 2)
            async with sandboxes.running(port=int(unused_port_url.rsplit(":", 1)[1])) as sandbox:
                await until(lambda: store.stats().delivered)
                return received(sandbox)

    assert asyncio.run(scenario()) == ["door:1:1"]


def test_what_an_answer_says_is_kept_short_printable_and_without_secrets(
    store, press, delivering, until, cloud
):
    text = "\x1b[31mno\r\n demo-secret " + "x" * 100_000

    async def scenario():
        async with (
            cloud(lambda _: web.Response(status=400, text=text)) as endpoint,
            delivering(endpoint.url),
        ):
            await press("door", 1)
            await until(lambda: store.stats().dead)

    asyncio.run(scenario())
    (letter,) = store.events(state="dead")
    assert letter.reason.startswith("HTTP 400 [31mno *** xxx")
    assert letter.reason.isprintable()
    assert len(letter.reason) < 300


@pytest.mark.parametrize("before", [190, 198, 199])
def test_no_piece_of_a_secret_is_left_where_an_answer_is_cut(
    store, press, delivering, until, cloud, before
):
    text = "x" * before + "demo-secret"

    async def scenario():
        async with (
            cloud(lambda _: web.Response(status=400, text=text)) as endpoint,
            delivering(endpoint.url),
        ):
            await press("door", 1)
            await until(lambda: store.stats().dead)

    asyncio.run(scenario())
    (letter,) = store.events(state="dead")
    assert letter.reason == f"HTTP 400 {'x' * before}***"[: len("HTTP 400 ") + 200]


@pytest.mark.parametrize(
    "url", ["https://a..b", f"https://{'a' * 64}.example", "https://host:99999", "nonsense://x"]
)
def test_a_url_that_cannot_be_called_ends_nothing(store, press, delivering, until, url):
    async def scenario():
        async with delivering(url):
            await press("door", 1)
            await until(lambda: store.pending("door", 0, 1)[0].attempts >= 2)

    asyncio.run(scenario())


def test_a_failure_that_nobody_foresaw_is_retried_and_logged_once(
    store, press, delivering, until, caplog
):
    metrics = Metrics()
    metrics.delivery_seconds = SpoiltHistogram()

    async def scenario():
        async with sandboxes.running() as sandbox, delivering(sandbox.url, metrics):
            await press("door", 1)
            await press("gate", 1)
            await until(lambda: store.stats().delivered == 2)

    asyncio.run(scenario())
    assert sum(event.attempts for event in store.events()) == 2  # one each, or both of one
    assert caplog.text.count("an event could not be sent: LookupError") == 1
    assert "a secret" not in caplog.text


class SpoiltHistogram:
    """Fails at the first two observations."""

    def __init__(self):
        self.observations = 0
        self.message = "a secret"

    def observe(self, _):
        self.observations += 1
        if self.observations <= 2:
            raise LookupError(self.message)


def test_an_event_damaged_in_the_store_becomes_a_dead_letter(
    store, press, delivering, until, received, tmp_path
):
    async def scenario():
        await press("door", 1, 2)
        with closing(sqlite3.connect(tmp_path / "agent.db")) as connection, connection:
            connection.execute("UPDATE events SET params = '{x' WHERE seq = 1")
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            await until(lambda: store.stats().delivered)
            await until(lambda: store.stats().dead)
            return received(sandbox)

    assert asyncio.run(scenario()) == ["door:1:2"]
    (letter,) = store.events(state="dead")
    assert (letter.seq, letter.raw) == (1, "{x")
    assert "damaged" in letter.reason


def test_credentials_do_not_show_in_a_repr():
    endpoint = Endpoint("https://cloud.example/", api_key="the-key", api_secret="the-secret")
    assert "the-" not in repr(endpoint)
