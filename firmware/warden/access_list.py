"""Who may open the door: the list that the agent keeps for it, as a file and as digests in RAM.

The file is JSON, a row per line, so that one can be read without the others: what the list is, a
row per credential, a CRC-32 of all before. The other end is host_agent/access.py.
"""

import binascii
import json
import os

from warden.slow_hash import Pbkdf2

_MOST = 64
_DIGEST = 16
_LINE = 2048  # longer than any row
_KINDS = ("code", "badge")
_ITERATIONS = 1000  # without a list: an entry takes its time all the same
_REV_MAX = (1 << 31) - 1


class AccessListError(ValueError):
    """A change that was not taken: it is nonsense, or the flash refuses it. Says which."""


class AccessList:
    """`state` is (list id, rev), ("", 0) for none; `lockdown` true: nothing opens."""

    def __init__(self, path="access.json"):
        self._path = path
        self._load()

    def __len__(self):
        return len(self._places)

    def hasher(self, kind, text):
        """The Pbkdf2 that makes the digest of a "code" or "badge" with this list's salt."""
        return Pbkdf2(("%s:%s" % (kind, text)).encode(), self._salt, self._iterations)

    def lookup(self, digest):
        """(user, email) of the credential with this digest, else None.

        Compares with all of them in full: how far a guess agrees must not show.
        """
        found = None
        held = self._digests
        for n in range(len(self._places)):
            difference = 0
            for i in range(_DIGEST):
                difference |= held[n * _DIGEST + i] ^ digest[i]
            if not difference:
                found = n
        if found is None:
            return None
        try:
            with open(self._path, "rb") as file:
                user, _, email, text = _row(file, self._places[found])
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
            _check_text(entry[2], "set: email", 0, 128)
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
            raise AccessListError("the flash refuses: %s" % error) from None
        self._load()
        return more

    def _kept(self, header, start, replaced):
        """Places of the rows that a change from rev `start` leaves as they are."""
        if not start:
            return []
        if (header[0], start) != self.state:
            raise AccessListError("from: the board holds another rev or list")
        if header[3] < start or header[1:3] != [_base64(self._salt), self._iterations]:
            raise AccessListError("rev, salt or iterations do not go with the list")
        try:
            with open(self._path, "rb") as file:
                return [at for at in self._places if _row(file, at)[:2] not in replaced]
        except (OSError, ValueError, TypeError):
            self._load()
            raise AccessListError("%s does not read back" % self._path) from None

    def _write(self, header, kept, entries):
        with open(self._path + ".tmp", "wb") as file:
            crc = _put(file, 0, b"[" + json.dumps(header).encode())
            if kept:
                with open(self._path, "rb") as old:
                    for at in kept:
                        old.seek(at)
                        crc = _put(file, crc, old.readline(_LINE).rstrip(b"\n"))
            for entry in entries:
                crc = _put(file, crc, b"," + json.dumps(entry).encode())
            file.write(b',"%08x"]\n' % crc)
        os.rename(self._path + ".tmp", self._path)

    def _revoke(self, kept, lockdown):
        """Hold to what a change takes away, though the file still has it."""
        held = bytearray()
        for n, at in enumerate(self._places):
            if at in kept:
                held += self._digests[n * _DIGEST : (n + 1) * _DIGEST]
        self._digests = held
        self._places = kept
        self.lockdown = self.lockdown or lockdown

    def _load(self):
        self.state = ("", 0)
        self.lockdown = False
        self._salt = bytes(_DIGEST)
        self._iterations = _ITERATIONS
        self._digests = bytearray()
        self._places = []  # where each credential's row begins in the file
        try:
            self._read()
        except OSError:
            pass  # no list yet
        except (ValueError, TypeError):
            self._digests = bytearray()
            self._places = []
            print(self._path, "is damaged: nobody is known until the agent has sent the list anew")

    def _read(self):
        with open(self._path, "rb") as file:
            places = _places(file)
            list_id, salt, iterations, rev, lockdown = _row(file, 0)
            for at in places:
                self._digests += _bytes16(_row(file, at)[3], "digest")
            self._places = places
        self._salt = _bytes16(salt, "salt")
        self._iterations = iterations
        self.lockdown = lockdown
        self.state = (list_id, rev)


def _places(file):
    """Where the rows of credentials begin. ValueError unless the file is whole."""
    line = file.readline(_LINE)
    places = []
    at = crc = 0
    while line[:1] == (b"," if at else b"[") and line[1:2] == b"[":
        if at:
            places.append(at)
        crc = binascii.crc32(line, crc)
        at += len(line)
        line = file.readline(_LINE)
    if line != b',"%08x"]\n' % crc:
        raise ValueError("damaged")
    return places


def _row(file, at):
    file.seek(at)
    return json.loads(file.readline(_LINE)[1:])


def _put(file, crc, line):
    line += b"\n"
    file.write(line)
    return binascii.crc32(line, crc)


def _header(change):
    """[list id, salt, iterations, rev, lockdown] of a change."""
    if not isinstance(change, dict):
        raise AccessListError("an object")
    list_id = change.get("list")
    _check_text(list_id, "list", 8, 8)
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
        _check_text(row[0], field + ": user", 1, 64)
    return rows


def _check_text(value, field, shortest, longest):
    if not isinstance(value, str) or not shortest <= len(value) <= longest:
        raise AccessListError("%s: a text of %d to %d characters" % (field, shortest, longest))
    if any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in value):
        raise AccessListError("%s: no control characters" % field)


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
