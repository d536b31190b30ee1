"""Passwords as slow salted hashes: argon2id (RFC 9106) as PHC strings."""

import logging
import re
import unicodedata

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import HashingError, VerificationError, VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY

from host_agent.errors import ThingWardenError

_log = logging.getLogger(__name__)

COST = RFC_9106_LOW_MEMORY
"""64 MiB of memory for some 0.2 s, for each hash and each check."""

_LENGTH = range(12, 1024 + 1)
# Also a limit on what a hash that got damaged can cost: less than 1 GiB.
_HASH = re.compile(
    r"\$argon2id\$v=19\$m=[0-9]{1,6},t=[0-9]{1,2},p=[0-9]{1,2}"
    r"\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}"
)


class PasswordError(ThingWardenError):
    """A text that cannot be a password. Never shows it."""


def hash_password(text: str, user: str = "", cost: Parameters = COST) -> str:
    """The PHC string of a new password of `user`, as `verify` takes it. Of `cost` only memory, time
    and parallelism count; a cheap one is for tests. Raises PasswordError."""
    if len(text) not in _LENGTH:
        raise PasswordError(
            f"a password must have {_LENGTH[0]} to {_LENGTH[-1]} characters; take a few words"
        )
    if "\N{REPLACEMENT CHARACTER}" in text or not _is_unicode(text):
        raise PasswordError("a password must be text in UTF-8")
    if text.casefold() == user.casefold():
        raise PasswordError("a password must not be the user's name")
    try:
        return _hasher(cost).hash(_bytes(text))
    except HashingError as error:
        raise PasswordError(f"the password cannot be hashed: {error}") from error


def verify(password_hash: str | None, text: str, cost: Parameters = COST) -> bool:
    """Whether this is the password. Nobody's (None) and what is no hash, as after damage, are no
    password's, which takes as long to find out as with a hash of that `cost`."""
    if password_hash is None or not _HASH.fullmatch(password_hash):
        password_hash = _nobodys(cost)
    if len(text) not in _LENGTH:
        password_hash, text = _nobodys(cost), ""
    try:
        return PasswordHasher().verify(password_hash, _bytes(text))
    except VerifyMismatchError:
        return False
    except VerificationError as error:
        _log.error("a password cannot be checked: %s", error)
        return False


def needs_rehash(password_hash: str, cost: Parameters = COST) -> bool:
    """Whether a hash that verified has another cost than new ones; `People.rehash` replaces it."""
    return _hasher(cost).check_needs_rehash(password_hash)


def _hasher(cost: Parameters) -> PasswordHasher:
    return PasswordHasher(cost.time_cost, cost.memory_cost, cost.parallelism)


def _nobodys(cost: Parameters) -> str:
    """A hash of nothing that anybody knows."""
    parameters = f"m={cost.memory_cost},t={cost.time_cost},p={cost.parallelism}"
    return f"$argon2id$v=19${parameters}${'A' * 22}${'A' * 43}"


def _bytes(text: str) -> bytes:
    """The same for what looks the same, however a keyboard composes it (NFC, as RFC 8265)."""
    return unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")


def _is_unicode(text: str) -> bool:
    return text == text.encode("utf-8", "ignore").decode()
