"""Attempts as requests of the board itself to GuardianKey's API, over verified TLS (WIRE.md B3).

The server's certificate is checked against the CA in the file that the settings name.
"""

import json

from warden import verified_tls
from warden.deadline_sockets import Deadline
from warden.direct_route import DirectRoute
from warden.http_post import post
from warden.settings import ConfigError

_BODY_LIMIT = 4096
_HEAD_LIMIT = 4096
_STACK = 16384  # the handshake's arithmetic
_RESPONSES = {
    "ACCEPT": "ACCEPT",
    "ALLOW": "ACCEPT",
    "NOTIFY": "NOTIFY",
    "HARD_NOTIFY": "HARD_NOTIFY",
    "EXTRAREQUIREMENT": "HARD_NOTIFY",
    "BLOCK": "BLOCK",
}


class RestRoute(DirectRoute):
    """`settings.api` is an address that config let pass, `ca` a file in DER.

    ConfigError if that file is no certificate. Before the clock is right every certificate is of
    the future.
    """

    def __init__(self, settings, deadline_ms=4000):
        self._api = settings.api
        self._id = settings.auth_group_id
        self._tls = None
        if settings.api.startswith("https://"):
            self._tls = _context(settings.ca)
        super().__init__(self._request, deadline_ms, _STACK)

    def _request(self, message, ask, until):
        deadline = Deadline(until, _HEAD_LIMIT + _BODY_LIMIT, self._tls)
        path = "/checkaccess" if ask else "/sendevent"
        body = json.dumps({"id": self._id, "message": message.decode()}).encode()
        status, answer, _ = post(self._api + path, "application/json", body, _BODY_LIMIT, deadline)
        if status != 200:
            refused = 400 <= status < 500 and status not in (408, 429)
            return "ERROR", not refused, "HTTP status %d" % status
        return verdict(answer) if ask else ("SENT", False, "")


def verdict(answer):
    """(response, retry, reason) of an answer with status 200 (WIRE.md B5).

    Never to be retried: the service has the attempt, whatever it says.
    """
    if len(answer) > _BODY_LIMIT:
        return "ERROR", False, "the answer is too long"
    try:
        response = json.loads(answer)["response"]
    except (ValueError, TypeError, KeyError):
        return "ERROR", False, "the answer is no object with a response"
    if isinstance(response, str) and response in _RESPONSES:
        return _RESPONSES[response], False, ""
    return "ERROR", False, "it answers without a verdict"


def _context(file_name):
    try:
        with open(file_name, "rb") as file:
            return verified_tls.context(file.read())
    except (OSError, ValueError):
        raise ConfigError(
            "guardiankey.ca: %s holds no certificate; copy that of the service's CA there, as DER"
            % file_name
        ) from None
