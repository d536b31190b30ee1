"""What the SecuriThings client library raises."""

from host_agent.errors import ThingWardenError


class SecuriThingsError(ThingWardenError):
    """A call that the library refuses; nothing was sent because of it."""
