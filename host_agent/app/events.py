"""The events of an app: those that boards report, and those that it makes for people."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from host_agent.app.errors import AppError
from host_agent.clock import now_ms
from host_agent.securithings import Event
from host_agent.store import Caller, Outgoing, Params
from host_agent.store import ExternalEvent as StoredExternalEvent

MAX_BYTES = 64 * 1024
"""Of an external event as JSON."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class DeviceEvent:
    """What a board reported, durable by now. `time` is when it happened, `id` its EXT_EVT_ID."""

    device: str
    type: str
    params: Params
    time: datetime
    id: str


def device_event(event: Outgoing) -> DeviceEvent:
    """A handler's own copy of a board's event."""
    return DeviceEvent(
        device=event.device,
        type=event.type,
        params=dict(event.params or ()),
        time=_EPOCH + timedelta(milliseconds=event.time_ms),
        id=event.event_id,
    )


class ExternalEvent(Event):
    """What somebody caused from outside, about a device; made by `agent.create_external_event`."""

    def __init__(self, event_type: str, request: object, device: str) -> None:
        super().__init__("USER", event_type, request)
        self._device = device
        self._time_ms = now_ms()

    def set_ext_evt_id(self, event_id: str) -> None:
        raise AppError(f"the agent gives this event its id, so it cannot be {event_id!r}")

    def to_store(self) -> StoredExternalEvent:
        """The event as it is now. Raises AppError if it is too large."""
        body = self.body(self._device, "", "")
        if len(msgspec.json.encode(body)) > MAX_BYTES:
            raise AppError(f"an external event has at most {MAX_BYTES} bytes")
        texts = {name: value for name, value in body.items() if isinstance(value, str)}
        params = msgspec.convert(body.get("PARAMS", []), list[dict[str, str]])
        return StoredExternalEvent(
            device=self._device,
            type=texts["TYPE"],
            params=tuple((param["NAME"], param["VALUE"]) for param in params),
            time_ms=self._time_ms,
            caller=Caller(
                source_ip=texts.get("SOURCE_IP"),
                user_agent=texts.get("USER_AGENT"),
                user_id=texts.get("USER_ID"),
                session_id=texts.get("SESSION_ID"),
                api_key_id=texts.get("SOURCE_GATEWAY_ID"),
                group=texts.get("SOURCE_GROUP_ID"),
            ),
        )
