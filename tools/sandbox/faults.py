"""What can be made to go wrong with the next requests; no I/O."""

from typing import Annotated

import msgspec

from host_agent.errors import ThingWardenError


class FaultsError(ThingWardenError):
    """The list of faults cannot be understood; the message says where."""


class _Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """`count`: how many requests it meets; 0: every one until the faults are cleared."""

    count: Annotated[int, msgspec.Meta(ge=0)] = 1


class Status(_Fault, tag="status"):
    """Answers with this status, and Retry-After in seconds if given; nothing is recorded."""

    status: Annotated[int, msgspec.Meta(ge=200, le=599)]
    retry_after: Annotated[int, msgspec.Meta(ge=0)] | None = None


class Delay(_Fault, tag="delay"):
    """Treats the request as usual, but that much later."""

    seconds: Annotated[float, msgspec.Meta(ge=0, le=3600)]


class Reset(_Fault, tag="reset"):
    """Resets the connection (TCP RST) instead of answering; nothing is recorded."""


class ResetAfterStore(_Fault, tag="reset_after_store"):
    """Treats the request as usual, but resets the connection: the answer is lost."""


class Hang(_Fault, tag="hang"):
    """Never answers; nothing is recorded."""


class Answer(_Fault, kw_only=True, tag="answer"):
    """Answers with this status and exactly this text as body; nothing is recorded."""

    status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 200
    body: str
    content_type: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9.+-]+/[a-z0-9.+-]+\Z")] = (
        "application/json"
    )


class Drip(_Fault, tag="drip"):
    """Treats the request as usual, but each byte of the answer's body comes that much later."""

    seconds: Annotated[float, msgspec.Meta(ge=0, le=3600)]


Fault = Status | Answer | Delay | Reset | ResetAfterStore | Hang | Drip


class Faults:
    """Faults in the order in which the coming requests meet them."""

    def __init__(self) -> None:
        self._queue: list[Fault] = []

    def add(self, specification: bytes) -> None:
        """Appends a JSON list of faults, or raises FaultsError and appends none."""
        try:
            self._queue += msgspec.json.decode(specification, type=list[Fault])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FaultsError(str(error)) from None

    def take(self) -> Fault | None:
        """The fault that the next request meets, if any."""
        if not self._queue:
            return None
        fault = self._queue[0]
        if fault.count == 1:
            self._queue.pop(0)
        elif fault.count > 1:
            fault.count -= 1
        return fault

    def clear(self) -> None:
        self._queue.clear()

    def pending(self) -> list[Fault]:
        """What is left, each with the number of requests that it still meets."""
        return list(self._queue)
