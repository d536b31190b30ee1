"""What is wrong with the settings."""

from host_agent.errors import ThingWardenError


class ConfigError(ThingWardenError):
    """Names the file, table and field, and what would be right."""
