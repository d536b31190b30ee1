"""What an open page is told, over a real connection."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from host_agent.console.live import MAX_OF_A_USER, MAX_SUBSCRIBERS, PAUSE_S, Live
from tests.host_agent.waiting import DEADLINE_S

LIVE = "/console/live"
CHANGED = ["event: changed", "data: 1", ""]


class Stream:
    """An open page's end."""

    def __init__(self, answer: requests.Response) -> None:
        self.answer = answer
        self._lines = answer.iter_lines(chunk_size=1, decode_unicode=True)
        assert [next(self._lines) for _ in range(3)] == ["retry: 2000", ": ", ""]

    def changed(self) -> None:
        """The next message comes, and says that something changed."""
        assert [next(self._lines) for _ in range(3)] == CHANGED

    def ends(self) -> None:
        """Nothing more comes, but what was due before: to log in was a change too."""
        assert set(self._lines) <= set(CHANGED)

    def heartbeats(self, count: int) -> None:
        """So many come, whatever comes in between."""
        for _ in range(count):
            while next(self._lines) != ": ":
                pass


@pytest.fixture
def open_stream(signed_in) -> Iterator[Callable[[], Stream]]:
    with ExitStack() as stack:

        def connect() -> Stream:
            answer = stack.enter_context(signed_in.get(LIVE, stream=True))
            assert answer.status_code == 200
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            assert answer.headers["Cache-Control"] == "no-store"
            return Stream(answer)

        yield connect


@pytest.fixture
def hold_places(console) -> Iterator[Callable[..., None]]:
    """hold_places(count) takes as many of the places for subscribers, each as somebody else;
    hold_places(count, user) as that user."""
    with ExitStack() as stack:

        def hold(count: int, user: str = "") -> None:
            for number in range(count):
                held = console.parts.live.subscribed(user or f"user {number}", lambda: True)
                console.call(held.__enter__)
                stack.callback(console.call, held.__exit__, None, None, None)

        yield hold


def test_a_change_in_the_store_is_told(parts, open_stream) -> None:
    first, second = open_stream(), open_stream()
    parts.store.add_device("door", "Lock")
    first.changed()
    second.changed()


def test_a_change_by_another_thread_is_told(parts, open_stream) -> None:
    stream = open_stream()
    for _ in range(2):
        thread = threading.Thread(target=parts.live.changed)
        thread.start()
        stream.changed()
        thread.join()


def test_many_changes_are_few_messages(parts, open_stream) -> None:
    stream = open_stream()
    enough = threading.Event()

    def change() -> None:
        while not enough.wait(0.001):
            parts.live.changed()

    thread = threading.Thread(target=change)
    began = time.monotonic()
    thread.start()
    try:
        for _ in range(5):  # to log in was a change too, and the next may come at once
            stream.changed()
        assert time.monotonic() - began > 2.5 * PAUSE_S
    finally:
        enough.set()
        thread.join()


def test_a_silent_connection_has_a_heartbeat(run_console, parts) -> None:
    console = run_console(live=Live(parts.metrics, heartbeat_s=0.02))
    console.add_user()
    with console.browser() as browser:
        browser.log_in()
        with browser.get(LIVE, stream=True) as answer:
            Stream(answer).heartbeats(3)


def test_the_stream_ends_when_the_agent_stops(console, open_stream) -> None:
    stream = open_stream()
    console.call(console.parts.live.stop)
    stream.ends()


def test_who_comes_after_the_stop_is_not_held(console, signed_in) -> None:
    console.call(console.parts.live.stop)
    assert signed_in.get(LIVE).text == ""


def test_who_logs_out_ends_the_streams_of_all_pages_at_once(run_console, parts) -> None:
    console = run_console(live=Live(parts.metrics, heartbeat_s=3600))
    console.add_user()
    with console.browser() as browser:
        parts.store.on_changed.clear()  # no commit of the login helps
        browser.log_in()
        with browser.get(LIVE, stream=True, timeout=DEADLINE_S) as answer:
            stream = Stream(answer)
            browser.submit("/console/logout")
            stream.ends()
        assert browser.get(LIVE).status_code == 401


def test_a_removed_user_is_told_nothing_more(parts, open_stream) -> None:
    stream = open_stream()
    parts.store.people.remove_user("ann")
    parts.live.changed()
    stream.ends()


def test_what_changes_after_the_end_of_a_session_is_not_told(parts) -> None:
    lives = [True]

    async def scenario() -> None:
        telling = asyncio.create_task(parts.live.run())
        with parts.live.subscribed("ann", lambda: any(lives)) as messages:
            await anext(messages)
            message = asyncio.ensure_future(anext(messages, b""))
            await asyncio.sleep(0)  # until both wait
            lives.clear()
            parts.live.changed()
            assert await message == b""
        telling.cancel()
        await asyncio.wait([telling])

    asyncio.run(asyncio.wait_for(scenario(), 60))


def test_nobody_listens_without_a_session(console) -> None:
    with console.browser() as stranger:
        assert stranger.get(LIVE).status_code == 401


def test_places_are_limited_and_given_back(hold_places, open_stream, signed_in, eventually) -> None:
    hold_places(MAX_SUBSCRIBERS - 1)
    stream = open_stream()
    refused = signed_in.get(LIVE)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "15")
    stream.answer.close()

    def is_free() -> bool:
        with signed_in.get(LIVE, stream=True) as answer:
            return bool(answer.status_code == 200)

    eventually(is_free, "the place of a page that was closed is free")


def test_one_user_does_not_keep_all_others_out(hold_places, signed_in, console) -> None:
    hold_places(MAX_OF_A_USER, "ann")
    assert signed_in.get(LIVE).status_code == 503
    console.add_user("bob")
    with console.browser() as bob:
        bob.log_in("bob")
        with bob.get(LIVE, stream=True) as answer:
            Stream(answer)


def test_a_head_request_waits_for_nothing(signed_in) -> None:
    answer = signed_in.head(LIVE)
    assert (answer.status_code, answer.text) == (200, "")


def test_changes_before_and_after_the_loop_do_no_harm(parts: Any) -> None:
    parts.live.changed()
    parts.live.stop()
    parts.live.changed()
