"""What goes into the store and what comes out. All times are Unix milliseconds."""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from host_agent.access import Held
from host_agent.commands import Command, CommandResult
from host_agent.store.names import EventId, event_id

Params: TypeAlias = dict[str, str | int | float | bool]
ExternalParams: TypeAlias = tuple[tuple[str, str], ...]
"""Of an external event, as SecuriThings gets them: in their order, a name may occur again."""
TimeSource: TypeAlias = Literal["board", "age", "arrival", "agent"]
State: TypeAlias = Literal["pending", "delivered", "dead"]
Settled: TypeAlias = Literal["delivered", "dead"]


@dataclass(frozen=True, slots=True)
class Device:
    """A device and how far it has got. `group` is "" for none; a key is 32 bytes; `held` is the
    access list that its board told of last, None if it never did; `next_key` is the one that takes
    the place of `key` with the first frame under it; `commanded` is the newest command that its
    board said it has taken (0 for none), None if it never said that it takes any."""

    name: str
    type: str
    group: str
    key: bytes = field(repr=False)
    boot: int
    frame: int
    acked: EventId
    last_seen_ms: int | None
    health: dict[str, Any]
    stale_frames: int
    created_ms: int
    held: Held | None = None
    next_key: bytes | None = field(default=None, repr=False)
    commanded: int | None = None

    @property
    def keys(self) -> tuple[bytes, ...]:
        """What its frames may be sealed with: `key`, and `next_key` if there is one."""
        return (self.key,) if self.next_key is None else (self.key, self.next_key)


@dataclass(frozen=True, slots=True)
class CapturedEvent:
    """An event as its board captured it; `time_source` says who told the time."""

    boot: int
    seq: int
    type: str
    params: Params
    time_ms: int
    time_source: TimeSource


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked for an external event, as far as it is known; `group` is for SOURCE_GROUP_ID, in
    place of the device's."""

    source_ip: str | None = None
    user_agent: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    api_key_id: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class ExternalEvent:
    """An event that somebody caused from outside, about a device."""

    device: str
    type: str
    params: ExternalParams
    time_ms: int
    caller: Caller


@dataclass(frozen=True, slots=True)
class BadEvent:
    """An event that can never be delivered; without ids when its identity is unusable too."""

    boot: int | None
    seq: int | None
    raw: str
    reason: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """An access attempt for GuardianKey: `message` is base64 of what only it can read; `ask` tells
    that a verdict is wanted, else it is for the record."""

    id: int
    auth_group_id: str
    message: str = field(repr=False)
    ask: bool


@dataclass(frozen=True, slots=True)
class BadAttempt:
    """An attempt that GuardianKey can never take; without an id it cannot be answered either."""

    id: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What an authenticated frame carried. `key` is the one that opened it; `commanded` the newest
    command that the board has taken (0 for none), None if it takes none."""

    device: str
    key: bytes = field(repr=False)
    boot: int
    frame: int
    received_ms: int
    events: tuple[CapturedEvent | BadEvent, ...] = ()
    health: dict[str, Any] | None = None
    attempt: Attempt | BadAttempt | None = None
    access: Held | None = None
    commanded: int | None = None
    results: tuple[CommandResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The report is durable; the board may forget its events up to `ack`. `commands` go into the
    reply; `settled` are those that it settled."""

    ack: EventId
    stored: int
    duplicates: int
    dead: int
    commands: tuple[Command, ...] = ()
    settled: tuple[Command, ...] = ()


@dataclass(frozen=True, slots=True)
class Stale:
    """The frame is not newer than the last accepted one, which was of `boot`."""

    boot: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The device was removed, or its key changed, since the frame was opened."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event that waits for delivery. Ascending `id` is the order of acceptance; `params` is None
    if what the store holds of it cannot be read any more. An external event has a `caller`."""

    id: int
    device: str
    device_type: str
    group: str
    boot: int
    seq: int
    type: str
    params: Params | ExternalParams | None
    time_ms: int
    attempts: int = 0
    first_attempt_ms: int | None = None
    next_ms: int = 0
    caller: Caller | None = None

    @property
    def event_id(self) -> str:
        """EXT_EVT_ID at SecuriThings."""
        return event_id(self.device, self.boot, self.seq)


@dataclass(frozen=True, slots=True)
class Delivered:
    """Outcome: the endpoint took the event."""

    id: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Retry:
    """Outcome: failed for now, due again at `next_ms`."""

    id: int
    attempts: int
    first_attempt_ms: int
    next_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class Dead:
    """Outcome: given up, kept for a person as a dead letter."""

    id: int
    reason: str


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as a person sees it. `raw` is what the board sent if it was unreadable, then
    `type` is "" and `params` empty, or what the store holds if `params` got damaged there; ids are
    None when it had none. An external event has a `caller`, no boot and no seq; of a parameter that
    it has again `params` shows the last value. It came at `accepted_ms` and was written at
    `stored_ms`, None if a version that did not note it wrote it."""

    id: int
    device: str
    boot: int | None
    seq: int | None
    type: str
    params: Params
    raw: str
    time_ms: int
    time_source: TimeSource
    accepted_ms: int
    stored_ms: int | None
    state: State
    attempts: int
    first_attempt_ms: int | None
    next_ms: int
    reason: str
    settled_ms: int | None
    event_id: str | None
    """EXT_EVT_ID at SecuriThings."""
    caller: Caller | None


@dataclass(frozen=True, slots=True)
class AttemptVerdict:
    """What became of an attempt. `digest` is SHA-256 of `<authGroupId>|<message>`; `response` as it
    goes to the board; with `retry` GuardianKey has not taken it; `asked` is False for a late one.
    """

    attempt: int
    digest: bytes = field(repr=False)
    response: str
    reason: str = ""
    retry: bool = False
    risk: float | None = None
    event_id: str = ""
    event_token: str = field(default="", repr=False)
    asked: bool = True
    received_ms: int = 0
    took_ms: int = 0


@dataclass(frozen=True, slots=True)
class StoredAttempt:
    """A verdict and the device that it was given to."""

    device: str
    verdict: AttemptVerdict


@dataclass(frozen=True, slots=True)
class StoredNotification:
    """What GuardianKey told by webhook; `raw` is the JSON of all of it."""

    event_id: str
    auth_group_id: str
    user: str
    response: str
    risk: float | None
    service: str
    client_ip: str
    generated_ms: int
    received_ms: int
    raw: str


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts of events by state; `bytes` of those pending or dead; when the oldest pending one
    was accepted."""

    pending: int
    dead: int
    delivered: int
    bytes: int
    oldest_pending_ms: int | None


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait or lie dead before reports are refused."""

    max_events: int = 1_000_000
    max_bytes: int = 1 << 30
