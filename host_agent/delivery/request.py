"""An event as the body of one request to SecuriThings (WIRE.md A1)."""

import msgspec

from host_agent.securithings import Event, SecuriThingsError
from host_agent.store import Caller, Outgoing


def request_body(event: Outgoing) -> bytes:
    """The JSON body, the same for every attempt. Raises SecuriThingsError."""
    if event.params is None:
        raise SecuriThingsError("its parameters in the store are damaged")
    if event.caller is None:
        body, group = Event("DEVICE", event.type), event.group
    else:
        body, group = _external(event.type, event.caller), event.caller.group or event.group
    body.set_ext_evt_id(event.event_id)
    if group:
        body.set_source_group_id(group)
    params = event.params
    for name, value in params.items() if isinstance(params, dict) else params:
        body.add_param(name, value)
    return msgspec.json.encode(body.body(event.device, event.device_type, time=str(event.time_ms)))


def _external(event_type: str, caller: Caller) -> Event:
    headers = {"x-forwarded-for": caller.source_ip, "user-agent": caller.user_agent}
    known = {name: value for name, value in headers.items() if value is not None}
    body = Event("USER", event_type, {"headers": known})
    if caller.user_id is not None:
        body.set_user_id(caller.user_id)
    if caller.session_id is not None:
        body.set_session_id(caller.session_id)
    if caller.api_key_id is not None:
        body.set_api_key_id(caller.api_key_id)
    return body
