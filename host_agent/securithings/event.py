"""A security event as SecuriThings wants it (WIRE.md A1-A3); no I/O."""

from typing import Literal

from host_agent.securithings.errors import SecuriThingsError
from host_agent.securithings.request import request_fields
from host_agent.securithings.values import checked_text, encodable, value_text

Source = Literal["DEVICE", "USER"]


class Event:
    """What happened: DEVICE by itself, USER from outside.

    `request` tells who asked (see `request_fields`). A setter that is given no string raises
    SecuriThingsError and keeps the earlier value; the empty string is valid everywhere.
    """

    def __init__(self, source: Source, event_type: str, request: object = None) -> None:
        if source not in ("DEVICE", "USER"):
            raise SecuriThingsError(f"event source must be 'DEVICE' or 'USER', not {source!r}")
        if event_type is None:
            raise SecuriThingsError("missing event type parameter")
        self._type = checked_text(event_type, "event type must be a string")
        self._source = source
        self._fields: dict[str, object] = request_fields(request)
        self._params: list[tuple[str, str]] = []

    def __repr__(self) -> str:
        return f"<Event {self._source} {self._type!r}>"

    def set_user_id(self, user_id: str) -> None:
        """Who did it; sent as USER_ID."""
        self._fields["USER_ID"] = checked_text(user_id, "User ID must be string")

    def set_source_group_id(self, group_id: str) -> None:
        """The group that the device belongs to; sent as SOURCE_GROUP_ID."""
        self._fields["SOURCE_GROUP_ID"] = checked_text(group_id, "Source group ID must be string")

    def set_api_key_id(self, api_key_id: str) -> None:
        """Names the key that an outside service used; sent as SOURCE_GATEWAY_ID (WIRE.md A4)."""
        self._fields["SOURCE_GATEWAY_ID"] = checked_text(api_key_id, "Api key ID must be string")

    def set_session_id(self, session_id: str) -> None:
        """The session that it was done in; sent as SESSION_ID."""
        self._fields["SESSION_ID"] = checked_text(session_id, "Session ID must be string")

    def set_ext_evt_id(self, event_id: str) -> None:
        """The event's own id, by which repeats can be told; sent as EXT_EVT_ID."""
        self._fields["EXT_EVT_ID"] = checked_text(event_id, "External event ID must be string")

    def add_param(self, name: str | None, value: str | float | bool | None) -> None:
        """Appends a parameter; a name may occur more than once.

        Without a name (None, not a string) or a value (None) it does nothing (WIRE.md A3).
        Raises SecuriThingsError for a value that `value_text` refuses.
        """
        if not isinstance(name, str) or value is None:
            return
        self._params.append((encodable(name), value_text(value)))

    def body(self, device_id: str | None, device_type: str, time: str) -> dict[str, object]:
        """The request's JSON object, a copy of its own; `time` is Unix milliseconds in digits."""
        body: dict[str, object] = {
            "TYPE": self._type,
            "SOURCE": self._source,
            "DEVICE_ID": device_id,
            "DEVICE_TYPE": device_type,
            "TIME": time,
            **self._fields,
        }
        if self._params:
            body["PARAMS"] = [{"NAME": name, "VALUE": value} for name, value in self._params]
        return body
