"""What a board says of itself. It may say anything: what makes no sense is left out."""

from collections.abc import Mapping
from dataclasses import dataclass

from host_agent.link.losses import losses

_COUNTS = range(2**53)
_DBM = range(-150, 21)
_MAX_TEXT = 40


@dataclass(frozen=True, slots=True)
class BoardState:
    """Of Device.health (DESIGN section 4), None for what is not there. `heap` is in bytes, `rssi`
    in dBm; `lost` sums up what `losses` tells one by one."""

    version: str | None
    queue: int | None
    heap: int | None
    rssi: int | None
    losses: Mapping[str, int]

    @property
    def lost(self) -> int:
        return sum(self.losses.values())


def board_state(health: Mapping[str, object]) -> BoardState:
    return BoardState(
        version=_text(health.get("version")),
        queue=_whole(health.get("queue"), _COUNTS),
        heap=_whole(health.get("heap"), _COUNTS),
        rssi=_whole(health.get("rssi"), _DBM),
        losses=losses(health),
    )


def _whole(value: object, sensible: range) -> int | None:
    return value if type(value) is int and value in sensible else None


def _text(value: object) -> str | None:
    if not isinstance(value, str) or not value:
        return None
    return value if len(value) <= _MAX_TEXT else value[:_MAX_TEXT] + "…"
