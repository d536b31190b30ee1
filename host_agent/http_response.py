"""What became of a POST, for those who only look at it."""

from collections.abc import Mapping
from dataclasses import dataclass

MAX_ANSWER_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Response:
    """What became of a request.

    `statuscode` is the HTTP status or, below 100, the libcurl number of a transport error: 6 name
    not resolved, 7 not connected, 28 timed out, 35 TLS failed, 60 certificate refused, 56 anything
    else. `headers` are found in any case; `body` is the answer's text (UTF-8, at most 1 MiB) or,
    after a transport error, its cause in a few words.
    """

    statuscode: int
    headers: Mapping[str, str]
    body: str
