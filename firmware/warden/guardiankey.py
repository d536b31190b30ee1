"""GuardianKey's events, built and encrypted on the board (WIRE.md B1, B2, B10)."""

import binascii
import json
from collections import OrderedDict

from esp32 import NVS

from warden import cfb8, characters
from warden.counters import CountersError

_USER_AGENT = 500
_NO_SECONDS = 100000000000  # a later time is in milliseconds, or wrong
_NOT_FOUND = -0x1102  # ESP_ERR_NVS_NOT_FOUND


class GuardianKey:
    """Makes the events of one account: `settings` as in config.GuardianKeySettings, checked there.

    The user agent is cut, and where an event has a bound, the client's reverse name too. ValueError
    for a key or iv of another length.
    """

    def __init__(self, settings):
        cfb8.encrypt(settings.key, settings.iv, b"")
        self._settings = settings

    def event(
        self,
        generated_time,
        user_name,
        failed,
        sequential,
        client_ip,
        user_email="",
        auth_method="",
        longest=None,
    ):
        """One attempt as JSON in UTF-8, `longest` bytes at the most; `generated_time` in whole
        Unix seconds."""
        if not 0 <= generated_time < _NO_SECONDS or generated_time % 1:
            raise ValueError("generated_time: in whole seconds")
        settings = self._settings
        fields = OrderedDict(
            (
                ("generatedTime", generated_time),
                ("agentId", settings.agent_id),
                ("organizationId", settings.organization_id),
                ("authGroupId", settings.auth_group_id),
                ("service", settings.service),
                ("clientIP", client_ip),
                ("clientReverse", settings.client_reverse),
                ("userName", characters.whole(user_name)),
                ("authMethod", auth_method),
                ("loginFailed", "1" if failed else "0"),
                ("userAgent", settings.user_agent[:_USER_AGENT]),
                ("psychometricTyped", ""),
                ("psychometricImage", ""),
                ("event_type", "Authentication"),
                ("userEmail", characters.whole(user_email)),
                ("sequential", sequential),
            )
        )
        made = _json(fields)
        for field in ("userAgent", "clientReverse"):
            if longest is not None and len(made) > longest:
                fields[field] = _shorter(fields[field], len(made) - longest)
                made = _json(fields)
        if longest is not None and len(made) > longest:
            raise ValueError("an event of more than %d bytes" % longest)
        return made

    def message(self, *event, longest=None, **more):
        """The `event` of the same arguments, encrypted, as base64 in one line; `longest` is for
        the base64 here."""
        if longest is not None:
            more["longest"] = longest // 4 * 3
        made = self.event(*event, **more)
        ciphertext = cfb8.encrypt(self._settings.key, self._settings.iv, made)
        return binascii.b2a_base64(ciphertext)[:-1]


class Sequence:
    """The numbers of this board's attempts: ascending, none given twice, whatever happens."""

    def __init__(self, nvs=None):
        self._nvs = nvs or NVS("guardiankey")
        self._last = None

    def next(self):
        """A fresh number from 1 on, durable already. CountersError if NVS cannot keep it."""
        number = self.last() + 1
        try:
            self._nvs.set_blob("sequential", number.to_bytes(8, "little"))
            self._nvs.commit()
        except OSError as error:
            raise CountersError("cannot keep the attempts' numbers in NVS: %s" % error) from None
        self._last = number
        return number

    def last(self):
        """The number given last, also by an earlier run; 0 for none. CountersError as above."""
        if self._last is None:
            self._last = self._load()
        return self._last

    def _load(self):
        kept = bytearray(8)
        try:
            self._nvs.get_blob("sequential", kept)
        except OSError as error:
            if error.args[0] != _NOT_FOUND:
                raise CountersError(
                    "cannot read the attempts' numbers in NVS: %s" % error
                ) from None
        return int.from_bytes(kept, "little")


def _json(fields):
    return json.dumps(fields, separators=(",", ":")).encode()


def _shorter(text, excess):
    """The text without its last `excess` bytes of UTF-8, and without half a character."""
    data = text.encode()
    end = max(0, len(data) - excess)
    while end and data[end] & 0xC0 == 0x80:
        end -= 1
    return str(data[:end], "utf-8")
