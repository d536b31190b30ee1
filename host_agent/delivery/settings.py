"""What a person can set about delivery."""

from dataclasses import dataclass, field
from typing import Annotated

import msgspec


class DeliverySettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The table [delivery] of agent.toml. Times in seconds unless the name says days."""

    concurrency: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 64
    timeout_s: Annotated[float, msgspec.Meta(ge=0.1, le=600)] = 10
    retry_base_s: Annotated[float, msgspec.Meta(ge=0.01, le=60)] = 1
    retry_cap_s: Annotated[float, msgspec.Meta(ge=0.01, le=86_400)] = 300
    give_up_after_s: Annotated[float, msgspec.Meta(ge=1, le=30 * 86_400)] = 86_400
    probe_s: Annotated[float, msgspec.Meta(ge=0.1, le=86_400)] = 60
    keep_days: Annotated[int, msgspec.Meta(ge=0, le=3650)] = 7
    keep_dead_days: Annotated[int, msgspec.Meta(ge=0, le=3650)] = 90


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events go, and with which credentials."""

    url: str
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)
