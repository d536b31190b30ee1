"""What the agent says to the board at one port: one exchange at a time, the newest frame wins."""

import asyncio
import time
from collections.abc import Callable
from typing import NoReturn

from host_agent.link.frames import FrameMalformed, FrameUnauthenticated
from host_agent.link.serial.board_log import BoardLog
from host_agent.link.serial.lines import NUDGE, STRANGER, Ask, Lines, Log, Piece, Said, Whole, said
from host_agent.link.serial.pieces import FrameTooLarge, Joiner, TornFrame, cut
from host_agent.link.sessions import Sessions
from host_agent.metrics import Metrics

BOARD_WAITS_S = 8.0
"""How long a board waits for a whole answer."""


class Conversation:
    """`receive` what comes in at a port while `answer_frames` runs, both on the event loop.

    `write` takes a line, and says whether it went out. `on_device` is called with the name of the
    device whose frame was accepted. A reply is kept until the board's next frame begins.
    """

    def __init__(
        self,
        port: str,
        sessions: Sessions,
        metrics: Metrics,
        write: Callable[[bytes], bool],
        on_device: Callable[[str], None],
    ) -> None:
        self._sessions = sessions
        self._metrics = metrics
        self._write_line = write
        self._on_device = on_device
        self._lines = Lines()
        self._log = BoardLog(port)
        self._joiner = Joiner()
        self._frame: bytes | None = None
        self._frame_came = asyncio.Event()
        self._exchanging = False
        self._reply: list[bytes] = []
        self._unasked = 0
        """Pieces of the reply that the board has not asked for yet."""
        self._replied_at = 0.0
        self._nudge_due = False

    def receive(self, data: bytes) -> None:
        dropped = self._lines.too_long + self._log.dropped
        for line in self._lines.feed(data):
            self._hear(said(line))
        self._count_dropped(self._lines.too_long + self._log.dropped - dropped)

    def nudge(self) -> None:
        """Let the board send a frame at once; if it waits for an answer, after that."""
        self._nudge_due = True
        self.tick()

    def tick(self) -> None:
        """To be called now and then."""
        self._log.flush()
        if self._nudge_due and not self._is_awaited():
            self._nudge_due = False
            self._write(NUDGE)

    async def answer_frames(self) -> NoReturn:
        while True:
            await self._frame_came.wait()
            self._frame_came.clear()
            frame, self._frame = self._frame, None
            if frame is None:
                continue
            self._exchanging, self._nudge_due = True, False
            try:
                reply = await self._exchange(frame)
            finally:
                self._exchanging = False
            if self._frame is None and not self._joiner.is_open:
                self._tell(reply)
            self.tick()

    async def _exchange(self, frame: bytes) -> list[bytes]:
        """The lines of the reply; none to a stranger."""
        try:
            answer = await self._sessions.exchange(frame)
        except (FrameMalformed, FrameUnauthenticated):
            return []
        if answer.accepted:
            self._log.name = answer.device
            self._on_device(answer.device)
        return cut(answer.frame)

    def _tell(self, reply: list[bytes]) -> None:
        self._reply = reply
        if reply:
            self._send_piece(len(reply) - 1)
        else:
            self._write(STRANGER)

    def _hear(self, what: Said | None) -> None:
        match what:
            case Log(text):
                self._log.show(text)
            case Piece():
                self._forget_reply()
                self._join(what)
            case Whole(frame):
                self._joiner.clear()
                self._offer(frame)
            case Ask(left) if self._reply:
                self._send_piece(len(self._reply) - 1 if left is None else left)
            case None:
                self._count_dropped(1)

    def _join(self, piece: Piece) -> None:
        try:
            frame = self._joiner.add(piece)
        except TornFrame:
            self._write(NUDGE)  # the board comes again sooner than after its deadline
        except FrameTooLarge:
            self._metrics.frames.labels("too_large").inc()
        else:
            if frame is not None:
                self._offer(frame)

    def _offer(self, frame: bytes) -> None:
        self._forget_reply()
        self._frame = frame
        self._frame_came.set()

    def _forget_reply(self) -> None:
        self._reply = []
        self._unasked = 0

    def _send_piece(self, left: int) -> None:
        if left >= len(self._reply):
            return
        self._write(self._reply[len(self._reply) - 1 - left])
        self._unasked = left
        self._replied_at = time.monotonic()
        self.tick()

    def _is_awaited(self) -> bool:
        """Whether the board waits for an answer that is under way: a nudge would end its wait."""
        if self._exchanging or self._frame is not None:
            return True
        return self._unasked > 0 and time.monotonic() - self._replied_at < BOARD_WAITS_S

    def _write(self, line: bytes) -> None:
        if not self._write_line(line):
            self._count_dropped(1)

    def _count_dropped(self, count: int) -> None:
        if count:
            self._metrics.serial_lines_dropped.inc(count)
