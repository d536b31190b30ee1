"""What an app did wrong."""

from host_agent.errors import ThingWardenError


class AppError(ThingWardenError):
    """The app cannot be loaded, or asked for something that cannot be."""
