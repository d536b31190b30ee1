"""A clock that stands still."""


class Clock:
    """Seconds; a test sets `now`."""

    now = 0.0

    def __call__(self) -> float:
        return self.now
