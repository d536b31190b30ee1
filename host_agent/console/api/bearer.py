"""Who asks: the token of a request (`Authorization: Bearer`, RFC 6750)."""

import logging
from collections.abc import Sequence
from typing import Never

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from host_agent.clock import now_ms
from host_agent.console.allowance import Allowance
from host_agent.console.api.refusal import Refused, forbidden, retry_after, unavailable
from host_agent.console.client import client_of, site_of
from host_agent.people import ApiToken
from host_agent.store import Store, StoreError
from host_agent.throttle import Throttle
from host_agent.tokens import id_of, is_genuine, may_read

BURST = 20
"""Failures of an address at once."""
REFILL_S = 3.0
"""After that, one more after each of these."""

_USED_EVERY_MS = 60_000
_TELL_EVERY_S = 60.0

_log = logging.getLogger(__name__)


class Bearer:
    """Belongs to the event loop."""

    def __init__(self, store: Store, trusted_proxies: Sequence[str]) -> None:
        self._store = store
        self._trusted_proxies = trusted_proxies
        self._failures = Allowance(BURST, REFILL_S)
        self._known: set[str] = set()
        """Ids of tokens that were good here: their programs do not suffer from another one that
        fails at the same address."""
        self._told = Throttle(_TELL_EVERY_S)

    async def token(self, request: Request) -> ApiToken:
        """The token that the request came with. Raises Refused: 401 with one and the same answer
        whether there is none, or it is unknown, wrong, revoked or over; 429 after too many of
        those from its address; 503 while the store cannot tell."""
        address = client_of(request, self._trusted_proxies)
        text = _presented(request)
        token_id = id_of(text)
        if token_id not in self._known and (wait_s := self._failures.wait_s(site_of(address))):
            detail = "too many requests without a good token came from this address"
            raise Refused(429, "limited", detail, retry_after(wait_s))
        now = now_ms()
        try:
            found = await run_in_threadpool(self._find, token_id)
            if found is None or not is_genuine(found, text, now):
                self._refuse(address)
        except StoreError as error:
            raise unavailable(error) from error
        self._known.add(found.id)
        await self._note_use(found, now)
        return found

    def _find(self, token_id: str | None) -> ApiToken | None:
        return None if token_id is None else self._store.people.token(token_id)

    def _refuse(self, address: str) -> Never:
        self._failures.use(site_of(address))
        if self._told.allows("failure"):
            _log.warning("a request without a good token came from %s", address)
        headers = {"WWW-Authenticate": 'Bearer realm="thingwarden"'}
        raise Refused(401, "unauthenticated", "this needs a token that is good", headers)

    async def _note_use(self, token: ApiToken, now: int) -> None:
        if token.used_ms is not None and 0 <= now - token.used_ms < _USED_EVERY_MS:
            return
        try:
            await self._store.people.used_token(token.id, now)
        except StoreError as error:
            if self._told.allows("use"):
                _log.warning("the use of a token cannot be noted: %s", error)


def check_may_read(token: ApiToken) -> None:
    """Raises Refused, with 403."""
    if not may_read(token):
        raise forbidden("this needs a token with the scope read")


def _presented(request: Request) -> str:
    """The text that ought to be a token; "" without one, or with more than one."""
    headers = request.headers.getlist("authorization")
    scheme, _, text = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    return text.strip() if scheme.lower() == "bearer" else ""
