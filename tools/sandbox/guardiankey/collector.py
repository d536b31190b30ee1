"""The collector: events as datagrams, without an answer."""

import asyncio
from contextlib import suppress

from tools.sandbox.guardiankey.refusal import Refusal
from tools.sandbox.guardiankey.service import GuardianKey


class Collector(asyncio.DatagramProtocol):
    """Hands each datagram to the service, which lists what it took and what it refused."""

    def __init__(self, service: GuardianKey) -> None:
        self._service = service

    def datagram_received(self, data: bytes, _sender: object) -> None:
        with suppress(Refusal):
            self._service.take_event("udp", "udp", data)
