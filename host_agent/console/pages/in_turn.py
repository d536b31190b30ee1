"""Making pages leaves time for frames, however many pages are open."""

import asyncio
import inspect
import time

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PLACES = 2
"""Pages made at a time: one, and one that searches long."""
_LONGEST_REST_S = 0.1


class InTurn:
    """Pages that are asked for while PLACES are made wait for their turn. After each page its place
    rests for as long as a processor worked on it: that time belongs to the event loop and the
    store's writer, which cannot run while Python makes a page."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(PLACES)

    def page(self, route: Route) -> Route:
        """The route of a page that is made in a thread, in turn; any other as it is."""
        make = route.endpoint
        if inspect.iscoroutinefunction(make) or route.methods != {"GET", "HEAD"}:
            return route

        def timed(request: Request) -> tuple[Response, float]:
            began = time.thread_time()
            return make(request), time.thread_time() - began

        async def in_turn(request: Request) -> Response:
            await self._places.acquire()
            worked_s = 0.0
            try:
                answer, worked_s = await run_in_threadpool(timed, request)
            finally:
                rest_s = min(worked_s, _LONGEST_REST_S)
                asyncio.get_running_loop().call_later(rest_s, self._places.release)
            return answer

        return Route(route.path, in_turn)
