"""Shows on the terminal what arrives in the clouds, with the time that every step took."""

import time
from itertools import takewhile
from typing import Any

import requests
from rich.console import Console
from rich.text import Text

from host_agent.store import Store
from tools.demo.journeys import Journeys


class Watch:
    """Shows each event that the sandbox received."""

    def __init__(self, console: Console, sandbox: str, store: Store, journeys: Journeys) -> None:
        self._console = console
        self._url = f"{sandbox}/sandbox/events"
        self._store = store
        self._journeys = journeys
        self._next = 0
        self._last_told = ""
        self.notifications = 0
        """How many came from GuardianKey by webhook."""

    def step(self) -> None:
        """Wait up to half a second for news and show them."""
        answer = requests.get(self._url, params={"after": self._next, "wait": 0.5}, timeout=10)
        news = answer.json()
        self._next = news["next"]
        for entry in news["events"]:
            self._event(entry["body"], entry["received_ms"])
        self._show_notifications()

    def _show_notifications(self) -> None:
        """Those that came by webhook since the last look."""
        newest_first = self._store.notifications(limit=1000)
        news = list(takewhile(lambda told: told.event_id != self._last_told, newest_first))
        for notification in reversed(news):
            what = Text(f"GuardianKey tells by webhook: {notification.response} for ")
            self._tell(notification.service, what.append(notification.user, style="bold red"))
            self._last_told = notification.event_id
        self.notifications += len(news)

    def _tell(self, device: str, what: Text) -> None:
        """One line about a device."""
        row = Text()
        row.append(time.strftime("%H:%M:%S "), style="dim")
        row.append(f"{device:<13}", style="cyan")
        row.append_text(what)
        self._console.print(row, soft_wrap=True)

    def _event(self, body: dict[str, Any], received_ms: float) -> None:
        what = Text(f"{_described(body):<42}", style=_style(body))
        if body["SOURCE"] == "USER":  # who used the console; no board captured it
            stages = " person -> agent -> cloud"
        else:
            event = body["EXT_EVT_ID"]
            stages = self._stages(event, self._journeys.received(event, received_ms))
        self._tell(body["DEVICE_ID"], what.append(stages, style="green"))

    def _stages(self, event: str, total: float | None) -> str:
        if total is None:
            return " board -> agent -> cloud"
        start = self._journeys.captured_at(event) or 0.0
        device, boot, seq = event.split(":")
        for stored in self._store.events(device=device, limit=20):
            if (stored.boot, stored.seq) == (int(boot), int(seq)):
                agent = max(0.0, stored.accepted_ms - start)
                return f" board -> agent {agent:4.0f} ms -> cloud {total:4.0f} ms"
        return f" board -> agent -> cloud {total:4.0f} ms"


def _params(body: dict[str, Any]) -> dict[str, str]:
    return {param["NAME"]: param["VALUE"] for param in body.get("PARAMS", [])}


def _described(body: dict[str, Any]) -> str:
    params = _params(body)
    if body["TYPE"] != "lock_activate":
        return " ".join([body["TYPE"], *(f"{name}={value}" for name, value in params.items())])
    if params["opened"] == "true":
        return f"door opens for {params['user']}, {params['verdict']}"
    return f"door stays shut: {params.get('reason', 'good')} code, {params['verdict']}"


def _style(body: dict[str, Any]) -> str:
    opened = _params(body).get("opened")
    return {"true": "bold green", "false": "bold red"}.get(opened or "", "")
