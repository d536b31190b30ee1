"""Sessions of people who logged in, in memory: a restart of the agent ends them."""

from dataclasses import dataclass, field


@dataclass
class Session:
    """`id` is public (it goes to SecuriThings as SESSION_ID); the cookie's value is kept nowhere
    but as a hash. `notice` is shown once, on the next page."""

    id: str
    user: str
    csrf: str = field(repr=False)
    address: str
    user_agent: str
    notice: str = ""


class Sessions:
    """What `guard` and `login` work on."""
