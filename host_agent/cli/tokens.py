"""`thingwarden token ...`"""

import json as json_text
from typing import Annotated, Any

from cyclopts import App, Parameter
from cyclopts.validators import Number

from host_agent.cli.output import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigPath,
    local_time,
    print_json,
    print_line,
    print_table,
)
from host_agent.cli.store import open_store
from host_agent.clock import now_ms
from host_agent.people import ApiToken
from host_agent.tokens import id_of, new_token

app = App(name="token", help="Which programs may use the API; works while the agent runs.")

_DAY_MS = 86_400_000
_MOST_DAYS = 36_500


@app.command
def add(
    name: Annotated[str, Parameter(help="What the token is for.")],
    /,
    *,
    scope: Annotated[
        list[str],
        Parameter(
            negative="",
            help="read, commands, commands:DEVICE or commands:DEVICE:NAME; may be repeated.",
        ),
    ],
    days: Annotated[
        int | None,
        Parameter(
            help="How long it is good; else until it is revoked.",
            validator=Number(gte=1, lte=_MOST_DAYS),
        ),
    ] = None,
    json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Make a token for a program, and show it: this once, for only its hash is kept.

    Example: thingwarden token add heating --scope read --scope commands:hvac --days 365
    """
    now = now_ms()
    with open_store(config) as store:
        token, text = new_token(name, scope, None if days is None else now + days * _DAY_MS, now)
        store.people.add_token(token)
    if json:
        print_line(json_text.dumps(_row(token) | {"token": text}))
    else:
        print_line(f"the token of {name}, which is shown only now:")
        print_line(text)


@app.command(name="list")
def list_(*, json: AsJson = False, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Show which tokens there are, what they allow and when they were used last."""
    with open_store(config) as store:
        rows = [_row(token) for token in store.people.tokens()]
    if json:
        print_json(rows)
    else:
        columns = ["id", "name", "scopes", "made", "expires", "used"]
        print_table(columns, map(_cells, rows), whole="id")


@app.command
def revoke(
    token: Annotated[str, Parameter(help="Its id, as `list` shows it, or the token.")],
    /,
    *,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Let nobody in by that token any more, at once."""
    token_id = id_of(token) or token
    with open_store(config) as store:
        store.people.revoke_token(token_id)
    print_line(f"revoked {token_id}")


def _row(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": token.scopes,
        "created_ms": token.created_ms,
        "expires_ms": token.expires_ms,
        "used_ms": token.used_ms,
    }


def _cells(row: dict[str, Any]) -> list[object]:
    """The token for a person."""
    times = {name: local_time(row[name]) for name in ("created_ms", "expires_ms", "used_ms")}
    return [*(row | times | {"scopes": " ".join(row["scopes"])}).values()]
