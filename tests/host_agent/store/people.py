"""What tests put into a store of people and programs."""

from host_agent.clock import now_ms
from host_agent.people import ApiToken, Login
from host_agent.store.people import People
from host_agent.tokens import new_token

HASH = "$argon2id$v=19$m=8,t=1,p=1$made$up"


def login(
    at_ms: int = 5,
    user: str = "ann",
    user_agent: str = "a browser",
    outcome: str = "refused",
    **fields: object,
) -> Login:
    return Login(at_ms, user, "192.0.2.1", user_agent, outcome, **fields)


def with_token(people: People, *scopes: str) -> tuple[ApiToken, str]:
    """(record, text) of a new token, which may read unless it says otherwise."""
    token, text = new_token("heating", scopes or ("read",), None, now_ms())
    people.add_token(token)
    return token, text
