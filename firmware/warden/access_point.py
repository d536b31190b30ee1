"""Wires the parts of a door, from its reader to its lock. Only a board that has one loads them."""

from warden.access_list import AccessList
from warden.access_sync import AccessSync
from warden.attempts import Attempts
from warden.door import Door
from warden.guardiankey import GuardianKey, Sequence
from warden.lock import Lock
from warden.lockout import Lockout
from warden.spool import Spool

_LATE_BYTES = 16384


class AccessPoint:
    """`extras` are for the session, `parts` take their turns in the loop after `lock.tick`.

    `report(type, params, uptime)` takes the door's events; `client_ip()` is the board's address.
    """

    def __init__(self, settings, clock, report, client_ip):
        access = settings.access
        self.lock = Lock(access["lock"], clock)  # first: from here on the door is shut
        credentials = AccessList()
        self.extras = [AccessSync(credentials)]
        self.attempts = None
        if settings.guardiankey:
            route = _route(settings.guardiankey, clock, self.extras)
            self.attempts = Attempts(
                GuardianKey(settings.guardiankey),
                Sequence(),
                route,
                clock,
                Spool("attempts", _LATE_BYTES),
                client_ip,
            )
        self.door = Door(
            access,
            _reader(access, clock),
            credentials,
            Lockout(access["lockout_after"], access["lockout_s"], clock),
            self.attempts,
            self.lock,
            clock,
            report,
        )
        self.parts = [self.door.tick]
        if self.attempts is not None:
            self.parts.append(self.attempts.tick)
            if settings.guardiankey.route != "relay":
                self.parts.append(route.tick)

    def add_health(self, health):
        """What the door adds to the board's health."""
        health["missed"] += self.door.missed
        if self.attempts is not None:
            health["late"] = len(self.attempts)
            health["discards"] += self.attempts.discards


def _route(settings, clock, extras):
    if settings.route == "rest":
        from warden.route_rest import RestRoute

        return RestRoute(settings)
    if settings.route == "udp":
        from warden.route_udp import UdpRoute

        return UdpRoute(settings)
    from warden.route_relay import RelayRoute

    relay = RelayRoute(settings.auth_group_id, clock)
    extras.append(relay)
    return relay


def _reader(access, clock):
    if access["keypad"]:
        from warden.keypad import Keypad

        return Keypad(access["keypad"], clock)
    from warden.wiegand import Wiegand

    return Wiegand(access["wiegand"], clock)
