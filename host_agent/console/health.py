"""/healthz, /readyz and /metrics (Prometheus text format)."""

import threading
import time
from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from host_agent.link.losses import losses
from host_agent.metrics import Metrics
from host_agent.store import Store, StoreError


def health_routes(store: Store, metrics: Metrics, problems: Callable[[], list[str]]) -> list[Route]:
    """`problems()` says why the agent does not do its whole work now; empty when it does."""
    scraping = threading.Lock()

    async def healthz(_: Request) -> Response:
        """200 as long as the process lives and its loop answers."""
        return PlainTextResponse("ok\n")

    def readyz(_: Request) -> Response:
        """200, or 503 with the reasons."""
        reasons = problems()
        return JSONResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    def scrape(_: Request) -> Response:
        with scraping:
            try:
                _refresh(metrics, store)
            except StoreError as error:
                return PlainTextResponse(f"{error}\n", 503)
            text = generate_latest(metrics.registry)
        return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", scrape),
    ]


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
