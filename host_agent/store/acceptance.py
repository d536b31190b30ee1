"""What becomes of a report: decided without I/O, before anything is written."""

import hashlib
import json
from dataclasses import dataclass, replace

from host_agent.store.names import NO_BOOT, EventId
from host_agent.store.records import Accepted, BadEvent, CapturedEvent, Device, Report

_TIMES = ("age", "t")
"""What a board tells anew each time that it repeats an event."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A report that is new: the device as it is afterwards, the events to store, the answer."""

    device: Device
    events: list[CapturedEvent | BadEvent]
    answer: Accepted


def is_stale(device: Device, report: Report) -> bool:
    """Whether the frame is a replay or out of order."""
    return (report.boot, report.frame) <= (device.boot, device.frame)


def accept(device: Device, report: Report) -> Decision:
    """Take a report that is not stale. Events at or below `acked` are duplicates; a bad event
    becomes a dead letter; one without a usable id is kept without moving `acked`."""
    acked = device.acked
    events: list[CapturedEvent | BadEvent] = []
    duplicates = dead = 0
    for event in report.events:
        event_id = _usable_id(event, report.boot)
        if event_id is not None and event_id <= acked:
            duplicates += 1
            continue
        if isinstance(event, BadEvent):
            dead += 1
            event = event if event_id else _known_by_content(event)
        acked = event_id or acked
        events.append(event)
    return Decision(
        device=replace(
            device,
            boot=report.boot,
            frame=report.frame,
            acked=acked,
            last_seen_ms=report.received_ms,
            health=device.health if report.health is None else report.health,
            held=report.access or device.held,
            commanded=device.commanded if report.commanded is None else report.commanded,
        ),
        events=events,
        answer=Accepted(ack=acked, stored=len(events) - dead, duplicates=duplicates, dead=dead),
    )


def _usable_id(event: CapturedEvent | BadEvent, boot: int) -> EventId | None:
    if event.boot is None or event.seq is None or event.boot > boot:
        return None
    return event.boot, event.seq


def _known_by_content(event: BadEvent) -> BadEvent:
    digest = hashlib.sha256(_without_times(event.raw).encode("utf-8", "replace")).digest()
    return replace(event, boot=NO_BOOT, seq=int.from_bytes(digest[:7], "big"))


def _without_times(raw: str) -> str:
    """Canonical JSON of what a repeated event has in common with itself; `raw` if it is none."""
    try:
        content = json.loads(raw)
        if not isinstance(content, dict):
            return raw
        lasting = {name: value for name, value in content.items() if name not in _TIMES}
        return json.dumps(lasting, sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return raw
