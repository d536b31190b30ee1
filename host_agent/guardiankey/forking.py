"""A forked child must not use what its parent's threads held or its connections shared."""

import os
from typing import Protocol
from weakref import WeakSet


class Renewable(Protocol):
    """What holds threads or connections."""

    def renew(self) -> None:
        """Start anew: threads and connections are the parent's."""


_objects: "WeakSet[Renewable]" = WeakSet()


def renew_in_children(renewable: Renewable) -> None:
    """From now on, as long as it lives."""
    _objects.add(renewable)


def _renew() -> None:
    for renewable in list(_objects):
        renewable.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
