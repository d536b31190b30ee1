"""What the store refuses, each with a message that names the file and the cause."""

from host_agent.errors import ThingWardenError


class StoreError(ThingWardenError):
    """The store cannot do what was asked."""


class StoreFull(StoreError):
    """Nothing was recorded: the store is at its limit, or the disk has no room."""


class StoreDamaged(StoreError):
    """The file broke while in use. Nothing more is recorded; the next start sets it aside."""


class SearchTooSlow(StoreError):
    """The search was given up: it would have taken too long."""


class DeviceExists(StoreError):
    """A device of that name is there already."""


class UnknownDevice(StoreError):
    """There is no device of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no device {name}; `thingwarden device list` shows all")
