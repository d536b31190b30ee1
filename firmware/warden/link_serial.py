"""Carries one sealed frame at a time over the console's UART, in lines that start with `~`.

Up: `~<n>:<piece>`, n pieces follow; `~?` send the reply from its start; `~?<n>` send its piece n.
Down: `~<n>:<piece>`; `~?` send a frame now; `~!` that was no frame of a device known here. All
other lines up are the board's log, down they are noise. host_agent/link/serial is the other end.

An ESP32 keeps 259 bytes of what comes in and drops the rest, so every piece of a reply but the
first comes only when it was asked for.
"""

import select
import sys

from warden.frames import REPLY_LIMIT
from warden.session import Transfer

_DEADLINE_MS = 8000
_PIECE = 112
_PIECE_MS = 11  # a piece's 118 bytes leave the UART's FIFO of 128 meanwhile: no write waits
_FIRST_AGAIN_MS = 1000
_NEXT_AGAIN_MS = 500
_LINE = 128
_BYTES_A_TURN = 128
_HEAD = b"eyJ"  # every frame starts with its header, an object as base64
_NEWLINE, _RETURN, _TILDE = 10, 13, 126


class SerialLink:
    """`send` a frame, `tick` in every round of the loop, `take` until it gives the Transfer.

    `busy` while a frame is under way: it wants short rests between the rounds. `on_nudge()` is
    called when the agent asks for a frame. Nothing that comes in is trusted: whole replies are
    authenticated by who takes them.
    """

    def __init__(self, clock, stdin=sys.stdin, stdout=sys.stdout):
        self._clock = clock
        self._stdin = stdin.buffer
        self._stdout = stdout
        self._poller = select.poll()
        self._poller.register(stdin, select.POLLIN)
        self._byte = bytearray(1)
        self._line = bytearray(_LINE)
        self._length = 0  # of the line so far
        self._reply = bytearray(REPLY_LIMIT)
        self._received = 0
        self._expected = None  # number of the reply's next piece, None before its first
        self._frame = b""  # the one under way
        self._sent = 0
        self._sent_at = self._spoke_at = clock.ticks()
        self._is_nudged = False
        self._transfer = None
        self.on_nudge = None

    @property
    def busy(self):
        return len(self._frame) > 0

    def send(self, frame):
        """Hand over one frame; the one before it must have been taken."""
        self._frame = frame
        self._sent = self._received = 0
        self._expected = None
        self._is_nudged = False
        self._sent_at = self._clock.ticks()

    def take(self):
        """The Transfer of the frame sent, None while it is under way."""
        transfer, self._transfer = self._transfer, None
        return transfer

    def tick(self):
        """Read what is there, write at most one piece. Allocates nothing while nothing comes."""
        for _ in range(_BYTES_A_TURN):
            if not self._is_readable() or not self._stdin.readinto(self._byte):
                break
            self._read(self._byte[0])
        if not self.busy:
            return
        if self._clock.since(self._sent_at) >= _DEADLINE_MS:
            self._fail("no whole answer within %d ms" % _DEADLINE_MS)
        elif self._sent < len(self._frame):
            if not self._sent or self._clock.since(self._spoke_at) >= _PIECE_MS:
                self._send_piece()
        elif self._clock.since(self._spoke_at) >= self._patience_ms():
            # An agent that was plugged in only now has not got this frame: it asked for one.
            if self._is_nudged:
                self._fail("it came only now")
            else:
                self._ask()

    def _patience_ms(self):
        return _FIRST_AGAIN_MS if self._expected is None else _NEXT_AGAIN_MS

    def _is_readable(self):
        for _ in self._poller.ipoll(0):
            return True
        return False

    def _read(self, byte):
        if byte == _NEWLINE:
            length, self._length = self._length, 0
            if length and length <= _LINE and self._line[0] == _TILDE:
                self._obey(bytes(memoryview(self._line)[1:length]))
        elif byte != _RETURN and self._length <= _LINE:
            if self._length < _LINE:
                self._line[self._length] = byte
            self._length += 1  # up to one too long: no line of ours

    def _obey(self, line):
        if line == b"?":
            self._nudge()
        elif not self.busy or self._sent < len(self._frame):
            pass  # it answers an earlier frame
        elif line == b"!":
            self._end(Transfer(401, b"", 0, None))
        else:
            number, _, piece = line.partition(b":")
            if piece and 0 < len(number) < 4 and number.isdigit():
                self._take_piece(int(number), piece)

    def _nudge(self):
        if self.busy and not self._is_nudged:
            self._is_nudged = True
            if self._sent == len(self._frame):
                self._spoke_at = self._clock.ticks()
        if self.on_nudge:
            self.on_nudge()

    def _send_piece(self):
        end = min(self._sent + _PIECE, len(self._frame))
        follow = (len(self._frame) - end + _PIECE - 1) // _PIECE
        self._write("~%d:%s\n" % (follow, str(self._frame[self._sent : end], "ascii")))
        self._sent = end

    def _take_piece(self, number, piece):
        if number != self._expected:
            if not piece.startswith(_HEAD):
                return
            self._received = 0  # a reply starts, for the first time or again
        end = self._received + len(piece)
        if end > REPLY_LIMIT:
            self._fail("the answer is too long")
            return
        self._reply[self._received : end] = piece
        self._received = end
        if number:
            self._expected = number - 1
            self._ask()
        else:
            self._end(Transfer(200, bytes(memoryview(self._reply)[:end]), 0, None))

    def _ask(self):
        self._write("~?\n" if self._expected is None else "~?%d\n" % self._expected)

    def _write(self, line):
        self._spoke_at = self._clock.ticks()
        self._stdout.write(line)

    def _fail(self, error):
        self._end(Transfer(0, b"", 0, error))

    def _end(self, transfer):
        self._frame = b""
        self._transfer = transfer
