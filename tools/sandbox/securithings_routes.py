"""SecuriThings' half of the sandbox over HTTP: its endpoint, and what it received."""

import msgspec
from aiohttp import web

from tools.sandbox import securithings
from tools.sandbox.answering import FaultyPaths, listing, refusal
from tools.sandbox.inbox import Inbox


class SecuriThingsRoutes:
    def __init__(self, api_key: str, api_secret: str) -> None:
        self.inbox: Inbox[msgspec.Raw] = Inbox()
        self.faulty = FaultyPaths()
        self._api_key = api_key
        self._api_secret = api_secret

    def table(self) -> list[web.RouteDef]:
        return [
            web.post("/api/v1/event", self._event),
            web.get("/sandbox/events", self._list_events, allow_head=False),
            web.delete("/sandbox/events", self._clear_events),
            web.get("/sandbox/faults", self.faulty.list_faults, allow_head=False),
            web.post("/sandbox/faults", self.faulty.add_faults),
            web.delete("/sandbox/faults", self.faulty.clear_faults),
        ]

    def close(self) -> None:
        """Ends whatever waits or hangs."""
        self.faulty.close()
        self.inbox.wake()

    async def _event(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()

        async def treat() -> web.Response:
            return self._accept(request, body)

        return await self.faulty.meet(request, treat)

    def _accept(self, request: web.Request, body: bytes) -> web.Response:
        if not securithings.authorized(
            request.headers.get("Authorization", ""), self._api_key, self._api_secret
        ):
            return refusal(401, "wrong credentials", {"WWW-Authenticate": "Basic"})
        if request.content_type != "application/json":
            return refusal(415, "Content-Type must be application/json")
        if not securithings.admits_json(request.headers.get("Accept", "")):
            return refusal(406, "Accept must admit application/json")
        try:
            securithings.check_body(body)
        except securithings.BodyError as error:
            return refusal(400, str(error))
        self.inbox.add(msgspec.Raw(body), len(body))
        return web.json_response({"status": "accepted"}, status=201)

    async def _list_events(self, request: web.Request) -> web.Response:
        return await listing(request, "events", self.inbox, lambda received: received)

    async def _clear_events(self, _request: web.Request) -> web.Response:
        self.inbox.clear()
        return web.Response(status=204)
