"""What can go wrong between this machine and a board."""

from host_agent.errors import ThingWardenError


class BoardError(ThingWardenError):
    """Nothing more can be done with the board as things are; the message says what would help."""
