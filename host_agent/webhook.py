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
from host_agent.lockdown import Lockdown
from host_agent.metrics import Metrics
from host_agent.request_body import BodyRefused, plain_error, read_body
from host_agent.store import Store, StoredNotification, StoreError
from host_agent.throttle import Throttle

PATH = "/v1/guardiankey/notifications"
MAX_BODY_BYTES = 64 * 1024
BODY_TIMEOUT_S = 10
MAX_IN_FLIGHT = 256
"""Notifications being read and stored at a time."""
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
) -> Starlette:
    """The ASGI application of the webhook."""
    notifications = _Notifications(account, store, lockdown, metrics, max_in_flight)
    return Starlette(
        routes=[Route(PATH, notifications.post, methods=["POST"])],
        exception_handlers={HTTPException: plain_error},
    )


class _Notifications:
    def __init__(
        self,
        account: Account,
        store: Store,
        lockdown: Lockdown,
        metrics: Metrics,
        max_in_flight: int,
    ) -> None:
        self._account = account
        self._store = store
        self._lockdown = lockdown
        self._metrics = metrics
        self._free = max_in_flight
        self._told = Throttle(_TELL_EVERY_S)

    async def post(self, request: Request) -> Response:
        if not self._free:
            raise self._refused("busy", 503, "busy", RETRY_S)
        self._free -= 1
        try:
            body = await read_body(request, "notification", MAX_BODY_BYTES, BODY_TIMEOUT_S)
            await self._take(body, request.headers.get("content-type"))
        except BodyRefused as error:
            self._count("too_large" if error.status_code == 413 else "malformed")
            raise
        finally:
            self._free += 1
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
            raise self._refused("unavailable", 503, "unavailable", RETRY_S) from error
        if locked is None:
            raise self._refused("duplicate", 403, _REFUSED)
        if doors:
            self._lockdown.tell(notification, locked)
        self._count("accepted")

    def _disbelieved(self, error: NotificationError) -> HTTPException:
        """Its cause is for the log: a stranger learns nothing but that it was not taken."""
        self._tell(str(error.status), f"a notification was refused: {error}")
        if error.status == 400:
            return self._refused("malformed", 400, "not a notification")
        return self._refused("refused", 403, _REFUSED)

    def _tell(self, key: str, text: str) -> None:
        if self._told.allows(key):
            _log.warning("%s", text)

    def _refused(
        self, result: str, status: int, detail: str, retry_s: int | None = None
    ) -> HTTPException:
        self._count(result)
        headers = {} if retry_s is None else {"Retry-After": str(retry_s)}
        return HTTPException(status, detail, headers)

    def _count(self, result: str) -> None:
        self._metrics.notifications.labels(result).inc()


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
