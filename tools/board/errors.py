"""What can go wrong between this machine and a board."""

from host_agent.errors import ThingWardenError


class BoardError(ThingWardenError):
    """Nothing more can be done with the board as things are; the message says what would help."""


class BoardLost(BoardError):
    """The port is gone or dead: to try again on it is of no use."""


class BoardRefused(BoardError):
    """What ran on the board ended in an exception there; its text is in the message."""


class BoardFull(BoardRefused):
    """Its flash took no more."""
