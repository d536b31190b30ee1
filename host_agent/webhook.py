"""The webhook: `POST /v1/guardiankey/notifications`, where GuardianKey tells what it saw.

A notification has no signature; what proves it is that it decrypts with the account's key, names
the account inside too, is fresh, and comes for the first time (WIRE.md B2, B9). TLS is left to a
proxy in front.
"""

import json
import logging

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from host_agent.clock import now_ms
from host_agent.guardiankey import Account, Notification, NotificationError, open_notification
from host_agent.guardiankey.notification import MAX_BODY_BYTES
from host_agent.intake import Intake
from host_agent.lockdown import Lockdown
from host_agent.metrics import Metrics
from host_agent.request_body import plain_error
from host_agent.store import Store, StoredNotification, StoreError
from host_agent.throttle import Throttle

PATH = "/v1/guardiankey/notifications"
BODY_TIMEOUT_S = 10
MAX_IN_FLIGHT = 256
"""Notifications being judged and stored at a time."""
MAX_CONNECTIONS = 512
"""Each may hold a body that is on its way: some 32 MiB in all."""
RETRY_S = 30
"""When a sender should come again with what could not be taken."""
_TELL_EVERY_S = 60
_REFUSED = "refused"
"""The one answer to all that does not prove itself."""

_log = logging.getLogger(__name__)


def webhook_app(
    account: Account,
    store: Store,
    lockdown: Lockdown,
    metrics: Metrics,
    max_in_flight: int = MAX_IN_FLIGHT,
    body_timeout_s: float = BODY_TIMEOUT_S,
) -> Starlette:
    """The ASGI application of the webhook, for a listener of MAX_CONNECTIONS."""
    results = metrics.notifications
    intake = Intake("notification", results, MAX_BODY_BYTES, body_timeout_s, max_in_flight, RETRY_S)
    notifications = _Notifications(account, store, lockdown, intake)
    return Starlette(
        routes=[Route(PATH, notifications.post, methods=["POST"])],
        exception_handlers={HTTPException: plain_error},
    )


class _Notifications:
    def __init__(self, account: Account, store: Store, lockdown: Lockdown, intake: Intake) -> None:
        self._account = account
        self._store = store
        self._lockdown = lockdown
        self._intake = intake
        self._told = Throttle(_TELL_EVERY_S)

    async def post(self, request: Request) -> Response:
        body = await self._intake.body(request)
        with self._intake.place():
            await self._take(body, request.headers.get("content-type"))
        return PlainTextResponse("ok\n")

    async def _take(self, body: bytes, content_type: str | None) -> None:
        """Returns once the notification is durable, and so is the lockdown it calls for."""
        try:
            notification = open_notification(self._account, body, content_type)
        except NotificationError as error:
            raise self._disbelieved(error) from error
        doors = self._lockdown.called_for(notification)
        try:
            locked = await self._store.record_notification(_stored(notification), doors)
        except StoreError as error:
            self._tell("unavailable", f"a notification cannot be stored: {error}")
            raise self._intake.refusal("unavailable", 503, "unavailable", RETRY_S) from error
        if locked is None:
            raise self._intake.refusal("duplicate", 403, _REFUSED)
        if doors:
            self._lockdown.tell(notification, locked)
        self._intake.count("accepted")

    def _disbelieved(self, error: NotificationError) -> HTTPException:
        """Its cause is for the log: a stranger learns nothing but that it was not taken."""
        self._tell(str(error.status), f"a notification was refused: {error}")
        if error.status == 400:
            return self._intake.refusal("malformed", 400, "not a notification")
        return self._intake.refusal("refused", 403, _REFUSED)

    def _tell(self, key: str, text: str) -> None:
        if self._told.allows(key):
            _log.warning("%s", text)


def _stored(notification: Notification) -> StoredNotification:
    """What is kept: plain values only, so that `raw` is as flat as GuardianKey writes it."""
    plain = {
        name: value
        for name, value in notification.raw.items()
        if value is None or isinstance(value, str | int | float)
    }
    return StoredNotification(
        event_id=notification.event_id,
        auth_group_id=str(notification.raw["authGroupId"]),
        user=notification.user_name,
        response=notification.response.value,
        risk=notification.risk,
        service=notification.service,
        client_ip=notification.client_ip,
        generated_ms=notification.generated_time * 1000,
        received_ms=now_ms(),
        raw=json.dumps(plain),
    )
