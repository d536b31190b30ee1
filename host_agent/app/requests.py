"""HTTP requests to an app, and its answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Body: TypeAlias = str | bytes | dict[str, Any] | list[Any] | None


@dataclass(frozen=True)
class Request:
    """A request. `headers` have lower-case names; their `x-forwarded-for` is always `client`, the
    address that asked, whatever the request said. Of a name that comes twice in the query the last
    value counts; a header that comes twice is joined with commas.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    client: str


@dataclass(frozen=True)
class Response:
    """An answer: text, bytes, or a dict or list as JSON. `headers` may set `content-type` too."""

    status: int = 200
    body: Body = None
    headers: Mapping[str, str] = field(default_factory=dict)
