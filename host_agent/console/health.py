"""/healthz, /readyz and /metrics (Prometheus text format), for what watches the agent.

The last two tell of devices: to programs on this machine, and to others with a token that may read.
"""

import threading
import time
from collections.abc import Awaitable, Callable

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from host_agent.console.api.bearer import Bearer, check_may_read
from host_agent.console.api.operations import JSON, Operation, answer, content, schema_of
from host_agent.console.api.refusal import Refused, json_response
from host_agent.console.local import is_local
from host_agent.console.parts import ConsoleParts
from host_agent.link.losses import losses
from host_agent.metrics import Metrics
from host_agent.store import Store, StoreError

_TEXT = content("text/plain")


class Readiness(msgspec.Struct):
    """`reasons` tell why the agent does not do its whole work now."""

    ready: bool
    reasons: list[str]


HEALTH = Operation(
    "GET",
    "/healthz",
    "isAlive",
    "Whether the process lives and its loop answers",
    "nothing",
    {200: answer("it does", _TEXT)},
)
READY = Operation(
    "GET",
    "/readyz",
    "isReady",
    "Whether the agent does its whole work",
    "token from afar",
    {
        200: answer("it does", content(JSON, schema_of(Readiness))),
        503: answer("it does not, or the store cannot be used", content(JSON)),
    },
)
SCRAPE = Operation(
    "GET",
    "/metrics",
    "scrape",
    "Metrics in the text format of Prometheus",
    "token from afar",
    {200: answer("the metrics", _TEXT), 503: answer("the store cannot be used", _TEXT)},
)


def health_routes(parts: ConsoleParts, bearer: Bearer) -> list[Route]:
    metrics = parts.metrics
    scraping = threading.Lock()

    async def healthz(_: Request) -> Response:
        """200 as long as the process lives and its loop answers."""
        return PlainTextResponse("ok\n")

    def readyz() -> Response:
        """200, or 503 with the reasons."""
        try:
            reasons = parts.problems()
        except StoreError as error:
            reasons = [str(error)]
        return json_response(Readiness(not reasons, reasons), 503 if reasons else 200)

    def scrape() -> Response:
        with scraping:
            try:
                _refresh(metrics, parts.store)
            except StoreError as error:
                return PlainTextResponse(f"{error}\n", 503)
            text = generate_latest(metrics.registry)
        return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [
        Route(HEALTH.path, healthz),
        Route(READY.path, _guarded(readyz, bearer)),
        Route(SCRAPE.path, _guarded(scrape, bearer)),
    ]


def _guarded(
    answers: Callable[[], Response], bearer: Bearer
) -> Callable[[Request], Awaitable[Response]]:
    """`answers`, called in a thread for who may read."""

    async def answer_reader(request: Request) -> Response:
        try:
            if not is_local(request):
                check_may_read(await bearer.token(request))
        except Refused as refused:
            return refused.response()
        return await run_in_threadpool(answers)

    return answer_reader


def _refresh(metrics: Metrics, store: Store) -> None:
    """Set the gauges that mirror the store."""
    stats = store.stats()
    metrics.backlog_events.set(stats.pending)
    metrics.backlog_bytes.set(stats.bytes)
    metrics.dead_letters.set(stats.dead)
    oldest_ms = stats.oldest_pending_ms
    metrics.oldest_seconds.set(0 if oldest_ms is None else max(0.0, time.time() - oldest_ms / 1000))
    for gauge in (metrics.device_seen, metrics.device_lost, metrics.device_stale):
        gauge.clear()
    for device in store.devices():
        if device.last_seen_ms is not None:
            metrics.device_seen.labels(device.name).set(device.last_seen_ms / 1000)
        metrics.device_stale.labels(device.name).set(device.stale_frames)
        for reason, count in losses(device.health).items():
            metrics.device_lost.labels(device.name, reason).set(count)
