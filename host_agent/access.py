"""Who may open a door: the rules of access lists, shared by the store, the link and the command
line.

A list is versioned state. Every change raises `rev` by one and marks with it what changed, so that
a board which holds an earlier rev of the same list gets what changed since, and any other board
starts from an empty one. Texts of codes and badges are made into digests and never kept.
"""

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta

from host_agent.clock import now_ms
from host_agent.errors import ThingWardenError

Kind: TypeAlias = Literal["code", "badge"]
KINDS: tuple[Kind, ...] = ("code", "badge")
MAX_CREDENTIALS = 64
MAX_CHANGE_BYTES = 1200
"""Of one change message, as JSON: it must fit into a sealed reply (DESIGN section 4, sizes)."""
MIN_CHANGE_BYTES = 1000
"""Any single entry fits into a change message of that size."""
EVERY_DOOR = "*"
"""In place of names: every device that has an access list."""
ITERATIONS = 1000
"""About a second on an ESP32, which tries every typed code with one slow hash."""

_MAX_USER = 64
_MAX_EMAIL = 128
_MAX_REMOVALS = 256
_DIGEST_BYTES = 16
_CODE = re.compile(r"[0-9]{4,12}")
_NUMBER = r"(0|[1-9][0-9]{0,4})"
_BADGE = re.compile(rf"{_NUMBER}:{_NUMBER}")
_BADGE_MAX = 0xFFFF

_Rev = Annotated[int, Meta(ge=0, le=2**31 - 1)]
_Bytes16 = Annotated[bytes, Meta(min_length=16, max_length=16)]


class AccessError(ThingWardenError):
    """A credential that cannot be put on a list, or is not there. Names the field, not the code."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A code or badge of a user, as its digest with the salt of the list."""

    user: Annotated[str, Meta(min_length=1, max_length=_MAX_USER)]
    kind: Kind
    email: Annotated[str, Meta(max_length=_MAX_EMAIL)]
    digest: _Bytes16 = field(repr=False)
    rev: _Rev
    added_ms: int | None = None
    """Unix ms; None in a list from before this was kept."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What boards must forget that knew a rev below this one."""

    user: Annotated[str, Meta(min_length=1, max_length=_MAX_USER)]
    kind: Kind
    rev: _Rev


class Held(NamedTuple):
    """The list that a board holds, and how far; ("", 0) for none."""

    list: str
    rev: int


@dataclass(frozen=True, slots=True)
class AccessState:
    """The access list of one device. `list` is 8 hex digits, made at random with the salt."""

    list: Annotated[str, Meta(pattern="^[0-9a-f]{8}$")]
    salt: _Bytes16 = field(repr=False)
    iterations: Annotated[int, Meta(ge=1, le=1_000_000)] = ITERATIONS
    rev: _Rev = 0
    lockdown: bool = False
    credentials: Annotated[tuple[Credential, ...], Meta(max_length=MAX_CREDENTIALS)] = ()
    removals: Annotated[tuple[Removal, ...], Meta(max_length=_MAX_REMOVALS)] = ()


def new_state() -> AccessState:
    """An empty list with an identity and a salt of its own."""
    return AccessState(list=_new_id(), salt=secrets.token_bytes(16))


def renewed(state: AccessState) -> AccessState:
    """The same list under a new identity: every board starts from empty and gets the whole of it.

    For a list that may be behind what boards have seen of it.
    """
    return replace(state, list=_new_id(), rev=max(state.rev, 1), removals=())


def with_credential(
    state: AccessState, user: str, kind: str, email: str, secret: str
) -> AccessState:
    """The list with this credential, in place of one of the same user and kind.

    `secret` is 4 to 12 digits, or a badge as "FACILITY:CARD". Raises AccessError.
    """
    _check_text("user", user, 1, _MAX_USER)
    _check_text("email", email, 0, _MAX_EMAIL)
    known = _known_kind(kind)
    digest = digest_of(known, secret, state.salt, state.iterations)
    others = [entry for entry in state.credentials if (entry.user, entry.kind) != (user, known)]
    if any(entry.digest == digest for entry in others):
        raise AccessError(f"{known}: another user of this door has the same one; choose another")
    if len(others) >= MAX_CREDENTIALS:
        raise AccessError(f"the door has {MAX_CREDENTIALS} credentials already; remove one first")
    rev = state.rev + 1
    return replace(
        state,
        rev=rev,
        credentials=(*others, Credential(user, known, email, digest, rev, now_ms())),
        removals=tuple(gone for gone in state.removals if (gone.user, gone.kind) != (user, known)),
    )


def without_credential(state: AccessState, user: str, kind: str | None = None) -> AccessState:
    """The list without the credential of that kind, or without all of the user's.

    Raises AccessError if there is none.
    """
    known = None if kind is None else _known_kind(kind)

    def is_meant(entry: Credential) -> bool:
        return entry.user == user and known in (None, entry.kind)

    gone = [entry for entry in state.credentials if is_meant(entry)]
    if not gone:
        raise AccessError(f"user: this door has no {known or 'credential'} of {user!r}")
    removals = [
        Removal(entry.user, entry.kind, rev) for rev, entry in enumerate(gone, state.rev + 1)
    ]
    after = replace(
        state,
        rev=state.rev + len(gone),
        credentials=tuple(entry for entry in state.credentials if not is_meant(entry)),
        removals=(*state.removals, *removals),
    )
    return after if len(after.removals) <= _MAX_REMOVALS else renewed(after)


def with_lockdown(state: AccessState, lockdown: bool) -> AccessState:
    """The list with the door locked down, or free again; the same if it is so already."""
    if state.lockdown == lockdown:
        return state
    return replace(state, rev=state.rev + 1, lockdown=lockdown)


def digest_of(kind: Kind, secret: str, salt: bytes, iterations: int) -> bytes:
    """PBKDF2-HMAC-SHA256 (RFC 8018) of a code or badge. Raises AccessError without its text."""
    _SECRET_CHECKS[kind](secret)
    password = f"{kind}:{secret}".encode("ascii")
    return hashlib.pbkdf2_hmac("sha256", password, salt, iterations, _DIGEST_BYTES)


def reached(state: AccessState, held: Held) -> int:
    """Up to which rev a board that holds this has taken the list; 0 for none of it."""
    return held.rev if held.list == state.list and held.rev <= state.rev else 0


def change_for(state: AccessState, held: Held, max_bytes: int = MAX_CHANGE_BYTES) -> bytes | None:
    """What brings a board closer to the list, as JSON of at most `max_bytes` (MIN_CHANGE_BYTES or
    more); None if it holds all of it. With `more` there is a rest, for when it holds this."""
    if held == (state.list, state.rev):
        return None
    known = reached(state, held)
    removals = state.removals if known else ()
    entries: list[Credential | Removal] = [*state.credentials, *removals]
    message = _Change(
        list_id=state.list,
        salt=state.salt,
        iterations=state.iterations,
        start=known,
        rev=state.rev,
        lockdown=state.lockdown,
        more=False,
    )
    room = max_bytes - len(msgspec.json.encode(message))
    last = known
    for entry in sorted(entries, key=lambda entry: entry.rev):
        if entry.rev <= known:
            continue
        item = _item(entry)
        room -= len(msgspec.json.encode(item)) + 1
        if room < 0:
            message.rev = last
            message.more = True
            break
        (message.present if isinstance(entry, Credential) else message.gone).append(item)
        last = entry.rev
    return msgspec.json.encode(message)


class _Change(msgspec.Struct, kw_only=True):
    list_id: str = msgspec.field(name="list")
    salt: bytes
    iterations: int
    start: int = msgspec.field(name="from")
    rev: int
    lockdown: bool
    present: list[tuple[str | bytes, ...]] = msgspec.field(name="set", default_factory=list)
    gone: list[tuple[str | bytes, ...]] = msgspec.field(name="unset", default_factory=list)
    more: bool


def _item(entry: Credential | Removal) -> tuple[str | bytes, ...]:
    if isinstance(entry, Credential):
        return entry.user, entry.kind, entry.email, entry.digest
    return entry.user, entry.kind


def _known_kind(kind: str) -> Kind:
    for known in KINDS:
        if kind == known:
            return known
    raise AccessError(f"kind: must be {' or '.join(KINDS)}")


def _check_text(name: str, text: str, shortest: int, longest: int) -> None:
    if not shortest <= len(text) <= longest:
        raise AccessError(f"{name}: must have {shortest} to {longest} characters")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise AccessError(f"{name}: must have no control characters")


def _check_code(secret: str) -> None:
    if not _CODE.fullmatch(secret):
        raise AccessError("code: must have 4 to 12 digits")


def _check_badge(secret: str) -> None:
    match = _BADGE.fullmatch(secret)
    if match is None or max(map(int, match.groups())) > _BADGE_MAX:
        raise AccessError(
            f"badge: must be FACILITY:CARD, decimal numbers up to {_BADGE_MAX} without leading"
            " zeros, as they are printed on it"
        )


_SECRET_CHECKS: dict[Kind, Callable[[str], None]] = {"code": _check_code, "badge": _check_badge}


def _new_id() -> str:
    return secrets.token_hex(4)
