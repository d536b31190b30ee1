"""A bounded log of records on flash: append at the end, read and drop from the front.

Numbered segment files hold one record per line, behind its CRC-32. A segment is removed when its
last record is dropped; nothing is ever rewritten, so a power cut costs at most the lines being
appended.
"""

import binascii
import os

_SEGMENT = 8192


class SpoolFull(Exception):
    """The log has reached its bound, or the file system refuses the write."""


class Spool:
    """Records are bytes without a newline. A position is (segment, offset)."""

    def __init__(self, directory, max_bytes=262144):
        self._directory = directory
        self._max_bytes = max_bytes
        self._appendable = False  # a segment found at start may end in half a line
        self.bytes = 0
        try:
            os.mkdir(directory)
        except OSError:
            pass  # it is there, or the first append says why it cannot be
        self._segments = _numbers(directory)
        for number in self._segments:
            self.bytes += self._size(number)
        self.head = (self._segments[0] if self._segments else 1, 0)

    def __bool__(self):
        return bool(self._segments)

    def append(self, records):
        """Make `records` durable. SpoolFull may leave some of them: append all again later."""
        size = sum([len(record) + 10 for record in records])
        if self.bytes + size > self._max_bytes:
            raise SpoolFull("%d of %d bytes are in use" % (self.bytes, self._max_bytes))
        if not self._appendable or self._size(self._segments[-1]) >= _SEGMENT:
            self._segments.append(self._segments[-1] + 1 if self._segments else self.head[0])
            self._appendable = True
        last = self._segments[-1]
        before = self._size(last)
        self._appendable = False  # Ctrl-C may leave half a line
        try:
            with open(self._path(last), "ab") as file:
                for record in records:
                    file.write(b"%08x %s\n" % (binascii.crc32(record), record))
        except OSError as error:
            written = self._size(last) - before
            self.bytes += written
            self._appendable = not written and bool(before)
            if not written and not before:
                self._segments.pop()
            raise SpoolFull("the file system refuses: %s" % error) from None
        self._appendable = True
        self.bytes += size

    def read(self, position, limit):
        """[(record, position after it)]: at least one if there is any, then up to `limit` bytes.

        A record is None where a line did not read back; half a line at the end, which a power cut
        leaves, is passed over.
        """
        found = []
        for number in self._segments:
            if number < position[0]:
                continue
            offset = position[1] if number == position[0] else 0
            try:
                with open(self._path(number), "rb") as file:
                    file.seek(offset)
                    while limit > 0:
                        line = file.readline()
                        if line[-1:] != b"\n":
                            break
                        offset += len(line)
                        limit -= len(line)
                        found.append((_record(line), (number, offset)))
            except OSError:
                found.append((None, (number + 1, 0)))
            if limit <= 0:
                break
        return found

    def drop(self, position):
        """Forget every record before `position`, which `read` gave."""
        self.head = position
        while self._segments and self._segments[0] < position[0]:
            self._remove_first()
        if len(self._segments) == 1 and position[1] >= self._size(position[0]):
            self.clear()

    def clear(self):
        """Forget every record."""
        while self._segments:
            self.head = (self._segments[0] + 1, 0)
            self._remove_first()
        self._appendable = False

    def _remove_first(self):
        number = self._segments.pop(0)
        size = self._size(number)
        try:
            os.remove(self._path(number))
            self.bytes -= size
        except OSError:
            pass  # read again at the next start, where its records count as acked

    def _size(self, number):
        try:
            return os.stat(self._path(number))[6]
        except OSError:
            return 0

    def _path(self, number):
        return "%s/%d.log" % (self._directory, number)


def _numbers(directory):
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    return sorted([int(name[:-4]) for name in names if name[-4:] == ".log" and name[:-4].isdigit()])


def _record(line):
    return line[9:-1] if line[:8] == b"%08x" % binascii.crc32(line[9:-1]) else None
