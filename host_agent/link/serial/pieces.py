"""Frames in pieces that fit a board's buffers: joined as they come up, cut as they go down."""

from host_agent.link.frames import MAX_FRAME_BYTES
from host_agent.link.serial.lines import Piece

REPLY_PIECE = 120
"""Characters of a reply in one line, which stays below the 128 bytes that a board takes."""

_HEAD = b"eyJ"
"""Every frame starts with its header, which is a JSON object in base64."""


class TornFrame(Exception):
    """The last piece of a frame came, others of it did not."""


class FrameTooLarge(Exception):
    """A frame is longer than any may be; the rest of it is still to come."""


class Joiner:
    """Joins pieces that count down to 0. One with another number than the next starts a new frame,
    if it can be a frame's start."""

    def __init__(self) -> None:
        self._frame = bytearray()
        self._next: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether more of a frame is to come."""
        return self._next is not None

    def add(self, piece: Piece) -> bytes | None:
        """The whole frame with its last piece. Raises TornFrame or FrameTooLarge."""
        if piece.left != self._next:
            self.clear()
            if not piece.text.startswith(_HEAD):
                if piece.left == 0:
                    raise TornFrame
                return None
        self._frame += piece.text
        if len(self._frame) > MAX_FRAME_BYTES:
            self.clear()
            raise FrameTooLarge
        if piece.left:
            self._next = piece.left - 1
            return None
        frame = bytes(self._frame)
        self.clear()
        return frame

    def clear(self) -> None:
        self._frame.clear()
        self._next = None


def cut(frame: str) -> list[bytes]:
    """The lines that carry a reply, first to last."""
    texts = [frame[start : start + REPLY_PIECE] for start in range(0, len(frame), REPLY_PIECE)]
    last = len(texts) - 1
    return [f"~{last - number}:{text}\n".encode("ascii") for number, text in enumerate(texts)]
