"""Who may open the door: the list that the agent keeps for it, as a file and as digests in RAM.

The file is JSON, a row per line, so that one can be read without the others: what the list is, a
row per credential, a CRC-32 of all before. The other end is host_agent/access.py.
"""

import binascii
import json
import os
from errno import ENOENT

from warden.slow_hash import Pbkdf2

_MOST = 64
_DIGEST = 16
_LINE = 1024  # longer than any row
_BLOCK = 256
_KINDS = ("code", "badge")
_REV_MAX = (1 << 31) - 1
# List id, salt, iterations, rev, lockdown. Without a list an entry takes its time all the same.
_NONE = ("", "AAAAAAAAAAAAAAAAAAAAAA==", 1000, 0, False)


class AccessListError(ValueError):
    """A change that was not taken: it is nonsense, or the flash refuses it. Says which."""


class AccessList:
    """`state` is (list id, rev), ("", 0) for none; `lockdown` true: nothing opens."""

    def __init__(self, path="access.json"):
        self._path = path
        self.state = ("", 0)
        self.lockdown = False
        self._salt = b""
        self._iterations = 0
        self._places = [
            0
        ]  # where each credential's row begins in the file, and where the last ends
        self._digests = bytearray()
        self._load()

    def __len__(self):
        return len(self._places) - 1

    def hasher(self, kind, text):
        """The Pbkdf2 that makes the digest of a "code" or "badge" with this list's salt."""
        return Pbkdf2(("%s:%s" % (kind, text)).encode(), self._salt, self._iterations)

    def lookup(self, digest):
        """(user, email) of the credential with this digest, else None.

        Compares with all of them in full: how far a guess agrees must not show.
        """
        found = None
        held = self._digests
        for n in range(len(self)):
            difference = 0
            for i in range(_DIGEST):
                difference |= held[n * _DIGEST + i] ^ digest[i]
            if not difference:
                found = n
        if found is None:
            return None
        try:
            with open(self._path, "rb") as file:
                text, user, _, email = self._row(file, found)
            if _bytes16(text, "digest") == digest:
                return user, email
        except (OSError, ValueError, TypeError):
            pass
        self._load()
        return None

    def apply(self, change):
        """Take the change object of a reply, on flash before it returns: is there more to come?

        AccessListError leaves the list as it was; but what the flash refused to lose, opens nothing
        any more until a restart.
        """
        header = _header(change)
        entries = _rows(change, "set", 4)
        for entry in entries:
            _text(entry[2], "set: email", 0, 128)
            _bytes16(entry[3], "set: digest")
        replaced = [row[:2] for row in entries]
        if any(replaced.count(key) > 1 for key in replaced):
            raise AccessListError("set: two of the same user and kind")
        replaced += _rows(change, "unset", 2)
        more = _flag(change, "more")
        kept = self._kept(header, _whole(change, "from", 0, _REV_MAX), replaced)
        # Between two parts of a change a credential may have its new place and its old one.
        if len(kept) + len(entries) > (2 * _MOST if more else _MOST):
            raise AccessListError("set: more than %d credentials" % _MOST)
        try:
            self._write(header, kept, entries)
        except OSError as error:
            self._revoke(kept, header[4])
            self._clear_away()
            raise AccessListError("the flash refuses: %s" % error) from None
        self._load()
        return more

    def _kept(self, header, start, replaced):
        """Numbers of the rows that a change from rev `start` leaves as they are."""
        if not start:
            return []
        if (header[0], start) != self.state:
            raise AccessListError("from: the board holds another rev or list")
        if header[3] < start or header[1:3] != [_base64(self._salt), self._iterations]:
            raise AccessListError("rev, salt or iterations do not go with the list")
        try:
            with open(self._path, "rb") as file:
                rows = range(len(self))
                return [n for n in rows if self._row(file, n)[1:3] not in replaced]
        except (OSError, ValueError, TypeError):
            self._load()
            raise AccessListError("%s does not read back" % self._path) from None

    def _write(self, header, kept, entries):
        with open(self._path + ".tmp", "wb") as file:
            crc = _put(file, 0, b"[%s\n" % json.dumps(header).encode())
            if kept:
                with open(self._path, "rb") as old:
                    for n in kept:
                        crc = _put(file, crc, self._line(old, n))
            for user, kind, email, digest in entries:
                row = json.dumps([digest, user, kind, email])
                crc = _put(file, crc, b",%s\n" % row.encode())
            file.write(b',"%08x"]\n' % crc)
        os.rename(self._path + ".tmp", self._path)

    def _revoke(self, kept, lockdown):
        """Hold to what a change takes away, though the file still has it."""
        for n in range(len(self)):
            if n not in kept:
                self._digests[n * _DIGEST : (n + 1) * _DIGEST] = os.urandom(_DIGEST)
        self.lockdown = self.lockdown or lockdown

    def _clear_away(self):
        try:
            os.remove(self._path + ".tmp")  # half a list on a full flash
        except OSError:
            pass

    def _line(self, file, n):
        file.seek(self._places[n])
        return file.read(self._places[n + 1] - self._places[n])

    def _row(self, file, n):
        return json.loads(self._line(file, n)[1:])

    def _load(self):
        header, places, digests = _NONE, [0], bytearray()
        try:
            header, places, digests = _read(self._path)
        except OSError as error:
            if error.errno != ENOENT:
                self._tell_damage()
        except (ValueError, TypeError):
            self._tell_damage()
        self.state = (header[0], header[3])
        self.lockdown = header[4]
        self._salt, self._iterations = _bytes16(header[1], "salt"), header[2]
        self._places = places
        self._digests = digests

    def _tell_damage(self):
        print(self._path, "is damaged: nobody is known until the agent has sent the list anew")


def _read(path):
    """What is in the file: header, places, digests. ValueError unless it is whole."""
    places = []
    digests = bytearray()
    crc = 0
    with open(path, "rb") as file:
        line, rest = _next_line(file, b"")
        end = 0
        while line[:2] == (b",[" if places else b"[["):
            if places:
                digests += _bytes16(str(line[3:27], "ascii"), "digest")
            crc = binascii.crc32(line, crc)
            end += len(line)
            places.append(end)
            line, rest = _next_line(file, rest)
        if not places or line != b',"%08x"]\n' % crc:
            raise ValueError("damaged")
        file.seek(0)
        return json.loads(file.read(places[0])[1:]), places, digests


def _next_line(file, rest):
    """(the next line, what was read behind it). `readline` would read the file byte by byte, 30 ms
    for a full list."""
    end = rest.find(b"\n") + 1
    while not end and len(rest) < _LINE:
        block = file.read(_BLOCK)
        if not block:
            break
        rest += block
        end = rest.find(b"\n") + 1
    return rest[:end], rest[end:]


def _put(file, crc, line):
    file.write(line)
    return binascii.crc32(line, crc)


def _header(change):
    """[list id, salt, iterations, rev, lockdown] of a change."""
    if not isinstance(change, dict):
        raise AccessListError("an object")
    list_id = _text(change.get("list"), "list", 8, 8)
    if not all(c in "0123456789abcdef" for c in list_id):
        raise AccessListError("list: 8 hex digits")
    salt = change.get("salt")
    _bytes16(salt, "salt")
    iterations = _whole(change, "iterations", 1, 1000000)
    rev = _whole(change, "rev", 0, _REV_MAX)
    return [list_id, salt, iterations, rev, _flag(change, "lockdown")]


def _rows(change, field, width):
    rows = change.get(field)
    if not isinstance(rows, list):
        raise AccessListError("%s: a list" % field)
    for row in rows:
        if not isinstance(row, list) or len(row) != width or row[1] not in _KINDS:
            raise AccessListError("%s: lists of %d, with a kind" % (field, width))
        _text(row[0], field + ": user", 1, 64)
    return rows


def _text(value, field, shortest, longest):
    if not isinstance(value, str) or not shortest <= len(value) <= longest:
        raise AccessListError("%s: a text of %d to %d characters" % (field, shortest, longest))
    if any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in value):
        raise AccessListError("%s: no control characters" % field)
    return value


def _whole(change, field, least, most):
    value = change.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise AccessListError("%s: a whole number from %d to %d" % (field, least, most))
    return value


def _flag(change, field):
    value = change.get(field)
    if not isinstance(value, bool):
        raise AccessListError("%s: true or false" % field)
    return value


def _bytes16(text, field):
    try:
        value = binascii.a2b_base64(text)
    except (ValueError, TypeError):
        value = b""
    if len(value) != _DIGEST or _base64(value) != text:
        raise AccessListError("%s: 16 bytes in base64" % field)
    return value


def _base64(data):
    return str(binascii.b2a_base64(data), "ascii").rstrip("\n")
