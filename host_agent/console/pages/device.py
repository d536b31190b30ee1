"""One device's page, and the form that gives it a command."""

from typing import NamedTuple
from urllib.parse import quote

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from host_agent.clock import now_ms
from host_agent.commands import TTL_S, Args, Command, CommandError, TooManyCommands
from host_agent.console.client import client_of, user_agent_of
from host_agent.console.pages.chart import Point, line_chart
from host_agent.console.pages.device_facts import door_facts, health_facts, seen_lately
from host_agent.console.pages.readings import MAX_READINGS, Reading, readings
from host_agent.console.pages.rendering import IN_BACKGROUND, Pages
from host_agent.console.pages.telling import (
    asker_of,
    content_of,
    duration,
    in_short,
    type_of,
    value_text,
)
from host_agent.console.parts import ConsoleParts
from host_agent.console.places import ROOT
from host_agent.console.refused_requests import RefusedRequests
from host_agent.console.sessions import Session
from host_agent.store import Caller, Device, Store, StoreError
from host_agent.values import parse_value

PATH = f"{ROOT}/devices/{{device}}"

_EVENTS_READ = 500
_EVENTS_SHOWN = 20
_COMMANDS_SHOWN = 10
_MAX_CHARTS = 8
_VALUES_SHOWN = 100
_MAX_NOTICE = 300
_FIELDS = ("name", "value", "ttl_s")
_MAX_TYPED = 128
_COMMANDS_KNOWN = 200


class _Chart(NamedTuple):
    """A reading's curve, and its newest points in words, newest first."""

    id: str
    reading: Reading
    svg: Markup
    points: list[Point]


def device_routes(parts: ConsoleParts) -> list[Route]:
    store, pages = parts.store, Pages(parts)
    refused = RefusedRequests(store, parts.metrics)

    def page(request: Request) -> Response:
        name = request.path_params["device"]
        device = store.device(name)
        if device is None:
            text = f"There is no device {in_short(name, 64)}. The overview shows all."
            return pages.message(request, 404, "No such device", text)
        events = store.recent(name, _EVENTS_READ)
        commands = store.commands.list(name, _COMMANDS_SHOWN)
        found = readings(events)
        access = store.access(name)
        return pages.render(
            request,
            "device.html",
            device=device,
            seen=seen_lately(device, now_ms()),
            readings=found[:MAX_READINGS],
            charts=_charts(found),
            events=events[:_EVENTS_SHOWN],
            commands=commands,
            command_names=_names(store, device),
            typed=_typed(request),
            ttl_s=round(TTL_S),
            health=health_facts(device),
            door=None if access is None else door_facts(access, device.held),
            of_all=False,
            type_of=type_of,
            asker_of=asker_of,
            content_of=content_of,
            in_short=in_short,
            value_text=value_text,
            took=_took,
        )

    async def command(request: Request) -> Response:
        """Fields: `name`, `value` (may be empty), `ttl_s` (may be left out)."""
        device, form = request.path_params["device"], request.state.form
        name, afterwards = form.get("name", ""), None
        session: Session = request.state.session
        caller = Caller(
            source_ip=client_of(request, parts.trusted_proxies),
            user_agent=user_agent_of(request),
            user_id=session.user,
            session_id=session.id,
        )
        try:
            given, _ = await store.commands.request(
                device, name, _value(form), _ttl_s(form), caller
            )
        except (CommandError, StoreError) as error:
            session.notice = in_short(f"Not sent: {error}", _MAX_NOTICE)
            typed = {field: form.get(field, "")[:_MAX_TYPED] for field in _FIELDS}
            session.typed = (device, typed)
            afterwards = refused.task(device, name, caller, _reason(error))
        else:
            session.notice = f"{given.name} waits for {device}; what becomes of it shows here."
        place = PATH.format(device=quote(device, safe=""))
        return RedirectResponse(place, 303, background=afterwards)

    return [
        Route(PATH, page),
        Route(f"{PATH}/commands", command, methods=["POST"]),
    ]


def _charts(found: list[Reading]) -> list[_Chart]:
    """Of numbers that came twice or more: one point is no line."""
    numeric = [reading for reading in found if len(reading.points) > 1][:_MAX_CHARTS]
    charts = []
    for number, reading in enumerate(numeric, 1):
        svg = line_chart(reading.name, reading.runs, f"chart-{number}")
        newest = reading.points[: -_VALUES_SHOWN - 1 : -1]
        charts.append(_Chart(f"chart-{number}", reading, svg, newest))
    return charts


def _names(store: Store, device: Device) -> list[str]:
    """What boards of its type have done of late."""
    same = {other.name for other in store.devices() if other.type == device.type}
    given = store.commands.list(limit=_COMMANDS_KNOWN)
    return sorted({c.name for c in given if c.device in same and c.state == "done"})


def _typed(request: Request) -> dict[str, str]:
    """What was typed into the form when it was refused, once; a request that nobody sees does not
    use it up."""
    session: Session = request.state.session
    device, typed = session.typed
    if device != request.path_params["device"] or IN_BACKGROUND in request.headers:
        return dict.fromkeys(_FIELDS, "")
    session.typed = ("", {})
    return typed


def _value(form: dict[str, str]) -> Args:
    text = form.get("value", "").strip()
    return parse_value(text) if text else None


def _ttl_s(form: dict[str, str]) -> float:
    text = form.get("ttl_s", "").strip()
    try:
        return float(text) if text else TTL_S
    except ValueError:
        raise CommandError("it must be good for a number of seconds") from None


def _reason(error: CommandError | StoreError) -> str:
    """Why a command was refused, as the API names it."""
    if isinstance(error, TooManyCommands):
        return "too_many_open"
    return "malformed" if isinstance(error, CommandError) else "unavailable"


def _took(command: Command) -> str:
    """How long it was open, or is so far."""
    return duration(max(0, (command.settled_ms or now_ms()) - command.created_ms))
