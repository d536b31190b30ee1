"""The first page: devices, the flow, what waits and what was given up, what GuardianKey said."""

import re
from dataclasses import dataclass

from prometheus_client import Gauge
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from host_agent.clock import now_ms
from host_agent.console.pages.board import BoardState, board_state
from host_agent.console.pages.device_facts import seen_lately
from host_agent.console.pages.flow_chart import flow_chart
from host_agent.console.pages.rendering import Pages
from host_agent.console.pages.telling import in_short
from host_agent.console.parts import ConsoleParts
from host_agent.console.places import ROOT
from host_agent.store import Device

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
        at_ms = now_ms()
        rows = [
            _Row(device, board_state(device.health), seen_lately(device, at_ms))
            for device in store.devices()
        ]
        return pages.render(
            request,
            "overview.html",
            devices=sorted(rows, key=_place),
            chart=flow_chart(parts.live.flow.minutes()),
            stats=store.stats(),
            paused=_value(parts.metrics.delivery_paused) == 1,
            dead=store.events("dead", limit=DEAD_SHOWN),
            attempts=store.attempts(limit=NEWEST_SHOWN),
            in_short=in_short,
            notifications=store.notifications(NEWEST_SHOWN),
            logins=store.people.logins(NEWEST_SHOWN),
        )

    return [Route(ROOT, overview)]


def _place(row: _Row) -> tuple[bool, list[str | int]]:
    """Those that went quiet first; then as people count: "unit-9" before "unit-10", whatever the
    case."""
    is_quiet = row.device.last_seen_ms is not None and not row.seen
    parts = re.split(r"([0-9]+)", row.device.name.casefold())
    return not is_quiet, [int(part) if n % 2 else part for n, part in enumerate(parts)]


def _value(gauge: Gauge) -> float:
    ((sample,),) = (family.samples for family in gauge.collect())
    return sample.value
