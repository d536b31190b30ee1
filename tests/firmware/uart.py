"""The USB cable of a board without Wi-Fi, in memory: a UART as strict as an ESP32's, and the agent.

Time is that of Ticks, 115200 baud both ways.
"""

import io
import os

_RING = 259  # bytes that came in and were not read; the rest is dropped
_FIFO = 128  # bytes that can be written without waiting
_BYTE_US = 87
_PIECE = 120
_GET_FILENO = 10  # MP_STREAM_GET_FILENO


class Uart(io.IOBase):
    """`stdin` and `stdout` of the board. `take_in` whenever time has passed.

    `dropped` counts bytes that the ring had no room for, `waited` writes that the FIFO had no room
    for.
    """

    def __init__(self, ticks):
        self.buffer = self
        self.is_plugged = True
        self.dropped = self.waited = 0
        self._ticks = ticks
        os.system("mkfifo uart")
        # Polled by the kernel: with a stream of ours it would rest 1 ms each time.
        self._ring = open("uart", "r+b")  # noqa: SIM115 - as long as this lives
        os.remove("uart")
        self._filled = 0
        self._coming = []  # [begins at, bytes, how many of them are in]
        self._up = []
        self._down_free = self._up_free = 0

    def send(self, data):
        """The agent's end: put bytes on the wire."""
        at = max(self._ticks.now * 1000, self._down_free)
        if self.is_plugged:
            self._coming.append([at, data, 0])
            self._down_free = at + len(data) * _BYTE_US

    def receive(self):
        """The agent's end: the lines that have arrived, without their ends."""
        lines = []
        while self._up and self._up[0][0] <= self._ticks.now * 1000:
            lines.append(self._up.pop(0)[1])
        return lines

    def plug(self, is_plugged):
        """Pull the cable, or plug it in: what is on the wire is lost, half lines remain."""
        self.is_plugged = is_plugged
        self._coming.clear()
        self._up.clear()

    def write(self, text):
        assert text.startswith("~") and text.endswith("\n") and text.count("\n") == 1
        now = self._ticks.now * 1000
        at = max(now, self._up_free)
        size = len(text) + 1  # "\r\n"
        if (at - now) // _BYTE_US + size > _FIFO:
            self.waited += 1
        self._up_free = at + size * _BYTE_US
        if self.is_plugged:
            self._up.append((self._up_free, text[:-1]))

    def take_in(self):
        """What the driver does in its interrupt: from the wire into the ring."""
        while self._coming:
            began, data, taken = self._coming[0]
            arrived = min((self._ticks.now * 1000 - began) // _BYTE_US, len(data))
            kept = min(arrived - taken, _RING - self._filled)
            self._ring.write(data[taken : taken + kept])
            self._filled += kept
            self.dropped += arrived - taken - kept
            if arrived < len(data):
                self._coming[0][2] = arrived
                return
            self._coming.pop(0)

    def ioctl(self, request, argument):
        return self._ring.fileno() if request == _GET_FILENO else -1

    def readinto(self, buffer):
        assert len(buffer) == 1, "an ESP32 would block until all bytes are there"
        assert self._filled, "an ESP32 would block"
        self._filled -= 1
        return self._ring.readinto(buffer)


class Port:
    """The agent's end: joins frames, gives replies piece by piece as they are asked for.

    `frames` are those that came whole; `asked` what the board asked for. `lost` pieces, by their
    numbers, get lost once each.
    """

    def __init__(self, uart, pieces_of=_PIECE):
        self.frames = []
        self.asked = []
        self.lost = []
        self._uart = uart
        self._size = pieces_of
        self._pieces = []
        self._expected = None
        self._reply = None

    def turn(self):
        """Take what has arrived."""
        for line in self._uart.receive():
            number, colon, piece = line[1:].partition(":")
            if not colon:
                self.asked.append(line)
                if self._reply:
                    self._send(int(line[2:]) if line[2:] else len(self._reply) - 1)
                continue
            if int(number) != self._expected:
                self._pieces = []
            self._pieces.append(piece)
            self._expected = int(number) - 1
            if int(number) == 0:
                self._end("".join(self._pieces))

    def reply(self, data):
        """Have a reply ready: its first piece goes unasked."""
        size = self._size
        self._reply = [data[at : at + size] for at in range(0, len(data), size)]
        self._send(len(self._reply) - 1)

    def say(self, line):
        self._uart.send(line + b"\n")

    def _end(self, frame):
        self._reply = None
        if frame.startswith("eyJ"):
            self.frames.append(frame.encode())
        else:
            self.say(b"~?")  # its start was lost

    def _send(self, number):
        if number in self.lost:
            self.lost.remove(number)
        elif number < len(self._reply):
            self.say(b"~%d:%s" % (number, self._reply[len(self._reply) - 1 - number]))
