"""Pages from templates. What comes from boards, people and other systems is text, never markup."""

import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from host_agent.clock import now_ms
from host_agent.console.parts import ConsoleParts
from host_agent.console.sessions import Session
from host_agent.store import StoreError
from host_agent.text import printable

IN_BACKGROUND = "x-background"
"""The header of a request that console.js makes by itself; nobody asked for it."""

_TEMPLATES = Path(__file__).parents[1] / "templates"
_STEPS = ((60, 1, "s"), (3600, 60, "min"), (172800, 3600, "h"))
"""(up to so many seconds, seconds of the unit, the unit), as in console.js."""


class Pages:
    """The console's pages. Every template has `session` (None: nobody is logged in), `csrf`,
    `path`, `now_ms`, `notice` (shown once) and `problems` (for those who are logged in)."""

    def __init__(self, parts: ConsoleParts) -> None:
        self._parts = parts

    def render(
        self, request: Request, template: str, status: int = 200, **context: Any
    ) -> HTMLResponse:
        """A page. With somebody logged in it reads the store: call it in a thread."""
        session: Session | None = getattr(request.state, "session", None)
        common = {
            "session": session,
            "csrf": session.csrf if session else "",
            "path": request.url.path,
            "now_ms": now_ms(),
            "notice": _notice(request, session),
            "problems": self._problems() if session else [],
        }
        text = _environment().get_template(template).render(common | context)
        return HTMLResponse(text, status)

    def message(self, request: Request, status: int, title: str, text: str) -> HTMLResponse:
        """A page that says why there is no other: what is wrong and what to do."""
        return self.render(request, "message.html", status, title=title, text=text)

    def _problems(self) -> list[str]:
        try:
            return self._parts.problems()
        except StoreError as error:
            return [str(error)]


def when(time_ms: int | None) -> str:
    """Local time to the second, for people and for programs; "never" for None."""
    moment = _moment(time_ms)
    if moment is None:
        return "never" if time_ms is None else f"{time_ms} ms"
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), _local(moment))


@jinja2.pass_context
def ago(context: Mapping[str, Any], time_ms: int | None) -> str:
    """How long ago that was when the page was made; console.js keeps it up to date."""
    moment = _moment(time_ms)
    if moment is None or time_ms is None:
        return when(time_ms)
    seconds = max(0, context["now_ms"] - time_ms) // 1000
    return Markup('<time datetime="{}" title="{}" data-ago>{}</time>').format(
        moment.isoformat(), _local(moment), _since(seconds)
    )


def size(count: int) -> str:
    """Bytes, to three digits or so: 96 B, 139 KiB, 1.4 MiB."""
    value = float(count)
    for unit in ("B", "KiB", "MiB"):
        if abs(value) < 1024:
            return f"{value:.0f} {unit}" if unit != "MiB" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def number(count: int) -> str:
    """With its thousands apart: 12,345."""
    return f"{count:,}"


def hour(time_ms: int) -> str:
    """Local time to the minute, for an axis."""
    moment = _moment(time_ms)
    return "" if moment is None else moment.strftime("%H:%M")


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(when=when, ago=ago, size=size, number=number, hour=hour)
    return environment


def _shown(value: object) -> object:
    """Control characters of text that somebody else wrote become visible."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else printable(value)


def _notice(request: Request, session: Session | None) -> str:
    """What the session has to tell, once; a request that nobody sees does not use it up."""
    if session is None or IN_BACKGROUND in request.headers:
        return ""
    notice, session.notice = session.notice, ""
    return notice


def _moment(time_ms: int | None) -> datetime | None:
    """None for no time, and for one that no calendar has."""
    if time_ms is None:
        return None
    try:
        return datetime.fromtimestamp(time_ms / 1000, UTC).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _local(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _since(seconds: int) -> str:
    if seconds < 1:
        return "now"
    for limit, unit_s, unit in _STEPS:
        if seconds < limit:
            return f"{seconds // unit_s} {unit} ago"
    return f"{seconds // 86400} d ago"
