"""Keeps the board's access list the agent's: an extra of the session.

Every report tells `access` [list id, revision]; a reply may carry `access`, the change from there.
"""

import json

from warden.session import NOTHING


class AccessSync:
    """Applies what replies bring to `access` (AccessList)."""

    def __init__(self, access):
        self._access = access

    def wants(self):
        """Changes come with the polls."""
        return NOTHING

    def fields(self, room):
        """Which list this board has."""
        list_id, revision = self._access.state
        return b',"access":[%s,%d]' % (json.dumps(list_id).encode(), revision)

    def read(self, reply):
        """Take up a change; True if there was one, which the agent hears of at once: there may be
        a rest of it, or something behind it. ValueError if it is nonsense or not kept."""
        change = reply.get("access")
        if change is None:
            return False
        try:
            more = self._access.apply(change)
        except ValueError as error:
            raise ValueError("access: %s" % error) from None
        if not more:
            lockdown = ", lockdown" if self._access.lockdown else ""
            print("access: %d credentials%s" % (len(self._access), lockdown))
        return True
