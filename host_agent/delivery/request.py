"""An event as the body of one request to SecuriThings (WIRE.md A1)."""

import msgspec

from host_agent.securithings import Event, SecuriThingsError
from host_agent.store import Outgoing


def request_body(event: Outgoing) -> bytes:
    """The JSON body, the same for every attempt. Raises SecuriThingsError."""
    if event.params is None:
        raise SecuriThingsError("its parameters in the store are damaged")
    body = Event("DEVICE", event.type)
    body.set_ext_evt_id(f"{event.device}:{event.boot}:{event.seq}")
    if event.group:
        body.set_source_group_id(event.group)
    for name, value in event.params.items():
        body.add_param(name, value)
    return msgspec.json.encode(body.body(event.device, event.device_type, time=str(event.time_ms)))
