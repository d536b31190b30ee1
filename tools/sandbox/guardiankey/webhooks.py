"""Tells a group's webhook of an event: sealed with the group's key, again until it is taken."""

import asyncio
import base64

import aiohttp
import msgspec
from Crypto.Cipher import AES

from tools.sandbox.guardiankey.accounts import Account
from tools.sandbox.inbox import Inbox

PAUSES_S = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
_ANSWER_S = 5.0
_MAX_AT_ONCE = 20


class Notification(msgspec.Struct):
    """One notification and what became of it: pending, delivered or failed.

    `attempts` 0 of a failed one: too many were pending. `last_status`: of the last answer, None if
    the last try got none.
    """

    auth_group_id: str
    url: str
    content: dict[str, object]
    state: str = "pending"
    attempts: int = 0
    last_status: int | None = None


class Webhooks:
    """Sends within the block of `async with`; what is pending at its end is given up."""

    def __init__(self) -> None:
        self.sent: Inbox[Notification] = Inbox(limit=10_000)
        self.pauses_s: tuple[float, ...] = PAUSES_S
        self.max_pending = 1000
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(_MAX_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Webhooks":
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_S))
        return self

    async def __aexit__(self, *_error: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    def send(self, account: Account, content: dict[str, object]) -> None:
        """Starts to tell the group's webhook, if it has one."""
        if account.webhook_url:
            notification = Notification(account.auth_group_id, account.webhook_url, content)
            body = sealed(account, content)
            self.sent.add(notification, len(body))
            if len(self._tasks) >= self.max_pending:
                notification.state = "failed"
                return
            task = asyncio.create_task(self._deliver(notification, body))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, notification: Notification, body: bytes) -> None:
        for pause_s in (*self.pauses_s, None):
            notification.attempts += 1
            async with self._turns:
                notification.last_status = await self._post(notification.url, body)
            if notification.last_status and 200 <= notification.last_status < 300:
                notification.state = "delivered"
                return
            if pause_s is not None:
                await asyncio.sleep(pause_s)
        notification.state = "failed"

    async def _post(self, url: str, body: bytes) -> int | None:
        if self._session is None:
            return None
        headers = {"Content-Type": "application/json"}
        try:
            async with self._session.post(
                url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return None


def sealed(account: Account, content: dict[str, object]) -> bytes:
    """The body of the request (WIRE.md B9)."""
    cipher = AES.new(account.key, AES.MODE_CFB, account.iv, segment_size=8)
    data = base64.b64encode(cipher.encrypt(msgspec.json.encode(content))).decode()
    return msgspec.json.encode({"authGroupId": account.auth_group_id, "data": data})
