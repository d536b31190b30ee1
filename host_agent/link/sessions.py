"""One exchange with a device: open the frame, record what it carried, seal the reply."""

import logging
from dataclasses import dataclass
from typing import Any

import msgspec

from host_agent.access import MAX_CHANGE_BYTES, MIN_CHANGE_BYTES, change_for
from host_agent.clock import now_ms
from host_agent.commands import message_of
from host_agent.link import losses
from host_agent.link.clones import CloneWatch
from host_agent.link.frames import (
    FrameMalformed,
    FrameUnauthenticated,
    OpenedReport,
    open_report,
    seal_reply,
)
from host_agent.link.relay import Relay
from host_agent.link.report import ReportMalformed, parse_report
from host_agent.metrics import Metrics
from host_agent.store import Accepted, Device, Report, Stale, Store, StoreError, StoreFull
from host_agent.text import printable

RETRY_S = 5
"""When a board should come again after the store took nothing."""

_VERDICT_BYTES = 120  # a verdict, commands and a change must fit into 2 KiB once sealed

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A sealed reply to a `device`. `accepted` is False for what may be an old frame, said again by
    somebody else; `retry_s` is set when nothing was recorded and the frame is worth a retry."""

    frame: str
    device: str
    accepted: bool = False
    retry_s: int | None = None


class Sessions:
    """The agent's end of the link, whatever carries the frames."""

    def __init__(self, store: Store, metrics: Metrics, relay: Relay) -> None:
        self._store = store
        self._metrics = metrics
        self._relay = relay
        self._clones = CloneWatch()
        self.refusing: str | None = None
        """Why events could not be recorded the last time that any came, if so."""

    async def exchange(self, frame: bytes) -> Answer:
        """Answer one frame; an `ack` is given only for what is durable.

        Raises FrameMalformed or FrameUnauthenticated, for which there is no sealed reply.
        """
        try:
            opened = open_report(frame, self._keys_of)
            return await self._answer(opened)
        except FrameMalformed:
            self._count("malformed")
            raise
        except FrameUnauthenticated:
            self._count("unauthenticated")
            raise

    async def _answer(self, opened: OpenedReport) -> Answer:
        try:
            report = parse_report(opened, now_ms())
        except ReportMalformed as error:
            self._count("malformed")
            return self._reply(opened, error="malformed", detail=str(error)[:200])
        before = self._store.device(opened.device)
        try:
            result = await self._store.accept(report)
        except StoreError as error:
            refusal = "full" if isinstance(error, StoreFull) else "unavailable"
            self._count(refusal)
            self._tell_refusing(str(error))
            return self._reply(opened, retry_s=RETRY_S, error=refusal, retry_ms=RETRY_S * 1000)
        if isinstance(result, Accepted):
            self._count("accepted")
            if result.stored or result.dead:
                self._tell_refusing(None)
            self._note(report, result, before)
            told = report.attempt or report.access or result.commands
            extras = await self._extras(report, result) if told else {}
            return self._reply(opened, ack=result.ack, **extras)
        if isinstance(result, Stale):
            self._count("stale")
            self._clones.stale(opened.device, result.boot)
            return self._reply(opened, error="stale", boot=result.boot)
        raise FrameUnauthenticated("the device was removed or its key changed just now")

    async def _extras(self, report: Report, result: Accepted) -> dict[str, Any]:
        """What the reply to a durable report tells beside the ack. A change of the access list that
        finds no room beside the rest comes with the next reply."""
        extras: dict[str, Any] = {}
        room = MAX_CHANGE_BYTES
        if report.attempt is not None:
            verdict = await self._relay.judge(report.device, report.attempt)
            if verdict is not None:
                extras["verdict"] = verdict
                room -= _VERDICT_BYTES
        if commands := message_of(result.commands, now_ms()):
            extras["commands"] = msgspec.Raw(commands)
            room -= len(commands) + len(',"commands":')
        if report.access is not None:
            state = self._store.access(report.device)
            wanted = max(room, MIN_CHANGE_BYTES)
            change = None if state is None else change_for(state, report.access, wanted)
            if change is not None and len(change) <= room:
                self._metrics.access_changes.inc()
                extras["access"] = msgspec.Raw(change)
        return extras

    def _tell_refusing(self, reason: str | None) -> None:
        """Log only when the agent begins or ends to refuse reports."""
        if reason and not self.refusing:
            _log.error("reports are refused, boards keep their events: %s", reason)
        elif self.refusing and not reason:
            _log.info("reports are taken again")
        self.refusing = reason

    def _note(self, report: Report, result: Accepted, before: Device | None) -> None:
        """Count what came in and warn about what a person should know."""
        outcomes = (
            ("stored", result.stored),
            ("duplicate", result.duplicates),
            ("dead", result.dead),
        )
        for outcome, count in outcomes:
            if count:
                self._metrics.events.labels(outcome).inc(count)
        self._note_commands(result)
        if report.health is not None and before is not None:
            for reason, count in losses.growth(before.health, report.health).items():
                _log.warning("%s lost %d events (%s)", report.device, count, reason)
        if self._clones.accepted(report.device, report.boot):
            _log.warning(
                "two boards seem to use the key of %s: their frames make each other stale; "
                "give each board a device of its own",
                report.device,
            )

    def _note_commands(self, result: Accepted) -> None:
        for command in result.settled:
            self._metrics.commands.labels(command.state).inc()
            reason = f" ({printable(command.result)})" if command.result else ""
            _log.info(
                "%s: command %d %s: %s%s",
                command.device,
                command.id,
                command.name,
                command.state,
                reason,
            )
        for command in result.commands:
            if command.sent_ms is None:
                self._metrics.commands.labels("sent").inc()

    def _reply(self, opened: OpenedReport, retry_s: int | None = None, **content: object) -> Answer:
        payload = msgspec.json.encode({"re": opened.tag, "now": now_ms(), **content})
        sealed = seal_reply(opened.device, opened.key, payload)
        return Answer(sealed, opened.device, "ack" in content, retry_s)

    def _keys_of(self, device: str) -> tuple[bytes, ...]:
        known = self._store.device(device)
        return () if known is None else known.keys

    def _count(self, result: str) -> None:
        self._metrics.frames.labels(result).inc()
