"""Why a request is refused."""

from host_agent.errors import ThingWardenError


class Refusal(ThingWardenError):
    """Names the field, what is wrong with it, and the HTTP status that says so.

    400 it is not what the protocol wants, 401 an unknown group, 403 it is not from this group or
    not from now, 413 it is too large, 503 there is no room.
    """

    def __init__(self, status: int, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.status = status
