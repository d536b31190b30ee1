"""What the GuardianKey client library raises."""

from host_agent.errors import ThingWardenError


class GuardianKeyError(ThingWardenError):
    """The base of the library's errors; raised itself for a call that it refuses."""


class AccountError(GuardianKeyError):
    """An account that cannot be right; names the field."""


class EventError(GuardianKeyError):
    """An event that cannot be sent; names the field."""


class RegistrationError(GuardianKeyError):
    """No account came of a registration."""


class ResolutionError(GuardianKeyError):
    """An event could not be fetched or resolved."""


class NotificationError(GuardianKeyError):
    """A notification that must not be believed.

    `status` is the HTTP status to answer with: 400 for what is no notification, 403 for one that
    is not from this account's service, not fresh, or known already (WIRE.md B9).
    """

    def __init__(self, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.status = status


class NotificationSeen(NotificationError):
    """A notification that was taken before."""
