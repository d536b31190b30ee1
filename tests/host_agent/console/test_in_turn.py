"""However many pages are asked for, few are made at a time, and frames get their turn."""

import asyncio
import time

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from host_agent.console.pages.in_turn import PLACES, InTurn

WORK_S = 0.05


class Pages:
    """A page that takes WORK_S of a processor, and when it was being made."""

    def __init__(self) -> None:
        self.made: list[tuple[float, float]] = []

    def page(self, _: Request) -> Response:
        began = time.monotonic()
        until = time.thread_time() + WORK_S
        while time.thread_time() < until:
            pass
        self.made.append((began, time.monotonic()))
        return Response()

    def ask(self, count: int) -> None:
        """That many people at once."""
        route = InTurn().page(Route("/console", self.page))

        async def scenario() -> None:
            request = Request({"type": "http"})
            await asyncio.gather(*(route.endpoint(request) for _ in range(count)))

        asyncio.run(scenario())


def test_few_pages_are_made_at_a_time_and_all_in_the_end():
    pages = Pages()
    pages.ask(8)
    assert len(pages.made) == 8
    for began, _ in pages.made:
        assert sum(first <= began < last for first, last in pages.made) <= PLACES


def test_after_a_page_its_place_rests():
    pages = Pages()
    pages.ask(PLACES + 1)
    *first, (began, _) = sorted(pages.made)
    assert began - min(end for _, end in first) >= 0.8 * WORK_S


def test_a_form_does_not_wait_for_pages():
    """A retry of all dead letters waits for the store, not for a processor."""
    route = Route("/console/dead-letters/retry", lambda _: Response(), methods=["POST"])
    assert InTurn().page(route) is route
