"""GuardianKey's half of the sandbox over HTTP: its calls, and what they did (WIRE.md B3-B8)."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from aiohttp import web
from aiohttp.http import HttpProcessingError

from tools.sandbox.answering import FaultyPaths, as_json, listing, refusal
from tools.sandbox.guardiankey.envelope import kind, read_object
from tools.sandbox.guardiankey.refusal import Refusal
from tools.sandbox.guardiankey.registration import read_registration
from tools.sandbox.guardiankey.service import GuardianKey
from tools.sandbox.inbox import Inbox, Received

_EVENT_PATHS = ("/checkaccess", "/sendevent", "/v2/checkaccess", "/v2/checkgktinc")
_MAX_TOKEN_CHARACTERS = 1024
_ADMIN = "/sandbox/guardiankey"
_UNREADABLE_FORM = (
    *(ValueError, LookupError, RuntimeError),  # an encoding or character set that is none
    *(HttpProcessingError, web.RequestPayloadError),
)

Body = TypeVar("Body", bound=msgspec.Struct)


class GuardianKeyRoutes:
    def __init__(self, service: GuardianKey) -> None:
        self.faulty = FaultyPaths()
        self._service = service

    def table(self) -> list[web.RouteDef]:
        return [
            *(web.post(path, self._event) for path in _EVENT_PATHS),
            web.post("/register", self._register),
            web.post("/getevent", self._about_event),
            web.post("/resolveevent", self._about_event),
            web.get(f"{_ADMIN}/events", self._list_events, allow_head=False),
            web.delete(f"{_ADMIN}/events", self._clear_events),
            web.get(f"{_ADMIN}/refused", self._list_refused, allow_head=False),
            web.delete(f"{_ADMIN}/refused", self._clear_refused),
            web.get(f"{_ADMIN}/webhooks", self._list_webhooks, allow_head=False),
            web.delete(f"{_ADMIN}/webhooks", self._clear_webhooks),
            web.post(f"{_ADMIN}/blocked", self._block),
            web.get(f"{_ADMIN}/faults", self.faulty.list_faults, allow_head=False),
            web.post(f"{_ADMIN}/faults", self.faulty.add_faults),
            web.delete(f"{_ADMIN}/faults", self.faulty.clear_faults),
        ]

    def close(self) -> None:
        """Ends whatever waits or hangs."""
        self.faulty.close()
        for inbox in (self._service.inbox, self._service.refused, self._service.webhooks.sent):
            inbox.wake()

    async def _event(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()

        async def treat() -> web.Response:
            try:
                _require_json(request)
                return as_json(self._service.take_event(request.path, request.scheme, body))
            except Refusal as why:
                return refusal(why.status, str(why))

        return await self.faulty.meet(request, treat)

    async def _about_event(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()

        async def treat() -> web.Response:
            try:
                _require_json(request)
                question = read_object(body, "body")
                event_id, token = _text(question, "eventid"), _text(question, "token")
                if request.path == "/getevent":
                    return as_json(self._service.get_event(event_id, token))
                action = _text(question, "action")
                return as_json(self._service.resolve_event(event_id, token, action))
            except Refusal as why:
                return refusal(why.status, str(why))

        return await self.faulty.meet(request, treat)

    async def _register(self, request: web.Request) -> web.StreamResponse:
        try:
            fields = await _fields(request)
        except (Refusal, *_UNREADABLE_FORM):
            return web.Response(status=400, text="body: no readable form or JSON object")

        async def treat() -> web.Response:
            try:
                wanted = read_registration(fields)
                account = self._service.accounts.register(wanted.key, wanted.iv, wanted.webhook_url)
            except Refusal as why:  # as text: what is JSON, the clients take for an account
                return web.Response(status=why.status, text=str(why))
            return as_json(
                {"authGroupId": account.auth_group_id, "organizationId": account.organization_id}
            )

        return await self.faulty.meet(request, treat)

    async def _list_events(self, request: web.Request) -> web.Response:
        return await listing(request, "events", self._service.inbox, _flat)

    async def _clear_events(self, _request: web.Request) -> web.Response:
        return _cleared(self._service.inbox)

    async def _list_refused(self, request: web.Request) -> web.Response:
        return await listing(request, "refused", self._service.refused, _flat)

    async def _clear_refused(self, _request: web.Request) -> web.Response:
        return _cleared(self._service.refused)

    async def _list_webhooks(self, request: web.Request) -> web.Response:
        return await listing(request, "webhooks", self._service.webhooks.sent, _flat)

    async def _clear_webhooks(self, _request: web.Request) -> web.Response:
        return _cleared(self._service.webhooks.sent)

    async def _block(self, request: web.Request) -> web.Response:
        try:
            question = read_object(await request.read(), "body")
            group, user = _text(question, "auth_group_id"), _text(question, "user")
            blocked = question.get("blocked", True)
            if not isinstance(blocked, bool):
                raise Refusal(400, "blocked", f"must be a boolean, not {kind(blocked)}")
            if self._service.accounts.get(group) is None:
                raise Refusal(400, "auth_group_id", "no such authentication group")
        except Refusal as why:
            return refusal(why.status, str(why))
        self._service.risk.block(group, user, blocked)
        return web.Response(status=204)


async def _fields(request: web.Request) -> Mapping[str, object]:
    """A registration comes as multipart or urlencoded form, or as JSON."""
    if request.content_type in ("multipart/form-data", "application/x-www-form-urlencoded"):
        return await request.post()
    return read_object(await request.read(), "body")


def _require_json(request: web.Request) -> None:
    if request.content_type != "application/json":
        raise Refusal(415, "Content-Type", "must be application/json")


def _text(question: dict[str, object], name: str) -> str:
    if name not in question:
        raise Refusal(400, name, "is missing")
    value = question[name]
    if not isinstance(value, str):
        raise Refusal(400, name, f"must be text, not {kind(value)}")
    if len(value) > _MAX_TOKEN_CHARACTERS:
        raise Refusal(413, name, f"has more than {_MAX_TOKEN_CHARACTERS} characters")
    return value


def _flat(received: Received[Body]) -> dict[str, object]:
    number = {"n": received.n, "received_ms": received.received_ms}
    return number | msgspec.structs.asdict(received.body)


def _cleared(inbox: Inbox[Body]) -> web.Response:
    inbox.clear()
    return web.Response(status=204)
