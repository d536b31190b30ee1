"""The first page: devices, the flow, what waits and what was given up, what GuardianKey said."""

import re
from dataclasses import dataclass

from prometheus_client import Gauge
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from host_agent.clock import now_ms
from host_agent.console.pages.board import BoardState, board_state
from host_agent.console.pages.flow_chart import flow_chart
from host_agent.console.pages.rendering import Pages
from host_agent.console.parts import ConsoleParts
from host_agent.console.places import ROOT
from host_agent.store import Device

QUIET_MS = 5 * 60_000
"""A device that was not seen for so long is shown as quiet."""
DEAD_SHOWN = 20
NEWEST_SHOWN = 8


@dataclass(frozen=True, slots=True)
class _Row:
    device: Device
    board: BoardState
    seen: bool
    """Lately."""


def overview_routes(parts: ConsoleParts) -> list[Route]:
    store, pages = parts.store, Pages(parts)

    def overview(request: Request) -> Response:
        rows = [_row(device, now_ms()) for device in sorted(store.devices(), key=_place)]
        return pages.render(
            request,
            "overview.html",
            devices=rows,
            chart=flow_chart(parts.live.flow.minutes()),
            stats=store.stats(),
            paused=_value(parts.metrics.delivery_paused) == 1,
            dead=store.events("dead", limit=DEAD_SHOWN),
            attempts=store.attempts(limit=NEWEST_SHOWN),
            notifications=store.notifications(NEWEST_SHOWN),
            logins=store.people.logins(NEWEST_SHOWN),
        )

    return [Route(ROOT, overview)]


def _place(device: Device) -> list[str | int]:
    """As people count: "unit-9" before "unit-10", whatever the case."""
    parts = re.split(r"([0-9]+)", device.name.casefold())
    return [int(part) if number % 2 else part for number, part in enumerate(parts)]


def _row(device: Device, at_ms: int) -> _Row:
    seen_ms = device.last_seen_ms
    seen = seen_ms is not None and at_ms - seen_ms <= QUIET_MS
    return _Row(device, board_state(device.health), seen)


def _value(gauge: Gauge) -> float:
    ((sample,),) = (family.samples for family in gauge.collect())
    return sample.value
