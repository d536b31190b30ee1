"""Client library for GuardianKey, usable without the agent (see README.md).

The clients and what decrypts are imported when they are asked for: `requests`, `aiohttp` and
`Crypto` take longer than all the rest. `AsyncGuardianKey`, and `aio.Api` below it, alone need
aiohttp; so a `*` leaves them out.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from host_agent.guardiankey.account import Account
from host_agent.guardiankey.addresses import client_address
from host_agent.guardiankey.errors import (
    AccountError,
    GuardianKeyError,
    NotificationError,
    NotificationSeen,
    RegistrationError,
    ResolutionError,
)
from host_agent.guardiankey.registration import Email, Webhook
from host_agent.guardiankey.resolution import EventDetails
from host_agent.guardiankey.settings import DEFAULT_API, DEFAULT_COLLECTOR, api_problem
from host_agent.guardiankey.verdict import Response, Sent, Verdict

if TYPE_CHECKING:
    from host_agent.guardiankey.aio import AsyncGuardianKey as AsyncGuardianKey
    from host_agent.guardiankey.client import GuardianKey
    from host_agent.guardiankey.notification import Notification, open_notification
else:
    _MODULES = {
        "AsyncGuardianKey": "aio",
        "GuardianKey": "client",
        "Notification": "notification",
        "open_notification": "notification",
    }

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


__all__ = [
    "DEFAULT_API",
    "DEFAULT_COLLECTOR",
    "Account",
    "AccountError",
    "Email",
    "EventDetails",
    "GuardianKey",
    "GuardianKeyError",
    "Notification",
    "NotificationError",
    "NotificationSeen",
    "RegistrationError",
    "ResolutionError",
    "Response",
    "Sent",
    "Verdict",
    "Webhook",
    "api_problem",
    "client_address",
    "open_notification",
]
