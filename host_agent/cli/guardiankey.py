"""`thingwarden guardiankey`"""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from host_agent.cli.guardiankey_client import (
    ACCOUNT,
    NOWHERE,
    Where,
    client_of,
    collector_of,
    defaults,
)
from host_agent.cli.output import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigPath,
    UsageError,
    check_out,
    print_line,
)
from host_agent.cli.secret import read_secret
from host_agent.config import load_settings
from host_agent.errors import ThingWardenError
from host_agent.guardiankey import (
    Account,
    Email,
    Response,
    Verdict,
    Webhook,
)
from host_agent.guardiankey.account import DEFAULT_SERVICE
from host_agent.guardiankey.event import AUTHENTICATION
from host_agent.store import Store

app = App(name="guardiankey", help="Register at GuardianKey, and try an account out.")

BLOCKED = 3
"""Exit code of `check` when the verdict is BLOCK."""

_OPTION_OF = {
    "user_name": "USER",
    "user_email": "--email",
    "client_ip": "--ip",
    "user_agent": "--user-agent",
    "event_type": "--type",
}
"""What the library's arguments are called here."""


class NotSent(ThingWardenError):
    """GuardianKey did not take an event, or judge it."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class About:
    """What there is to tell about an attempt.

    Parameters
    ----------
    failed
        It failed: a wrong password or code.
    email
        The user's e-mail address.
    ip
        The client's address.
    user_agent
        The client's program.
    type
        The kind of event.
    """

    failed: Annotated[bool, Parameter(negative="")] = False
    email: str = ""
    ip: str = ""
    user_agent: str = ""
    type: str = AUTHENTICATION


_NOTHING = About()


@app.command
def register(
    email: str,
    /,
    *,
    webhook: str | None = None,
    smtp_host: str | None = None,
    smtp_port: int = 587,
    smtp_user: str = "",
    smtp_security: Literal["TLS", "SSL", ""] = "TLS",
    service: str = DEFAULT_SERVICE,
    api: str | None = None,
    ca: Path | None = None,
    out: Path = ACCOUNT,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Make an account at GuardianKey and write it to a new file, with its key, for you alone.

    Parameters
    ----------
    email
        Whose account it is.
    webhook
        URL that GuardianKey posts notifications to.
    smtp_host
        Mail server that GuardianKey sends notifications through instead. With --smtp-user its
        password is asked for, or read as a line of standard input; GuardianKey gets to know it.
    smtp_port
        Its port.
    smtp_user
        Who logs in there.
    smtp_security
        How the connection is protected.
    service
        What people log in to, as GuardianKey shows it.
    api
        GuardianKey's API; else that of agent.toml.
    ca
        PEM file of a private certificate authority in front of it; else that of agent.toml.
    out
        The file.
    """
    api, ca, _ = defaults(api, ca, config)
    check_out(out, replace=False, remedy="name another file with --out")
    if not os.access(out.absolute().parent, os.W_OK):
        raise UsageError(f"{out} cannot be written: there is no such directory, or not for you")
    notify = _notify(webhook, smtp_host, smtp_port, smtp_user, smtp_security)
    account = Account.register(email, notify, api, service=service, ca=ca)
    account.save(out)
    print_line(f"wrote {out}: your account, with its key; keep a copy in a safe place")
    print_line(f"authGroupId     {account.auth_group_id}")
    print_line(f"organizationId  {account.organization_id}")


@app.command
def check(
    user: str,
    /,
    *,
    about: About = _NOTHING,
    v1: Annotated[bool, Parameter(negative="")] = False,
    as_json: AsJson = False,
    where: Where = NOWHERE,
) -> None:
    """Ask GuardianKey to judge an attempt. Exit code 0: let in, 3: BLOCK, 1: no verdict.

    Parameters
    ----------
    user
        Who wants access.
    v1
        With the first version of the protocol, which encrypts the event.
    """
    with client_of(where) as client:
        verdict = client.check_access(
            user,
            about.email,
            about.failed,
            about.ip,
            about.user_agent,
            about.type,
            version=1 if v1 else 2,
        )
    _check_options(verdict.reason)
    if as_json:
        sys.stdout.write(json.dumps(_told(verdict)) + "\n")
    if verdict.response is Response.ERROR:
        raise NotSent(verdict.reason)
    if not as_json:
        for name, value in _told(verdict).items():
            print_line(f"{name:10} {value}")
    if not verdict.allowed:
        sys.exit(BLOCKED)


@app.command
def send(
    user: str,
    /,
    *,
    about: About = _NOTHING,
    udp: Annotated[bool, Parameter(negative="")] = False,
    collector: str | None = None,
    where: Where = NOWHERE,
) -> None:
    """Report an attempt without asking for a verdict.

    Parameters
    ----------
    user
        Who wants access.
    udp
        In one datagram to the collector, which answers nothing.
    collector
        HOST:PORT of another collector than GuardianKey's.
    """
    with client_of(where, collector_of(collector)) as client:
        sent = client.send_event(
            user,
            about.email,
            about.failed,
            about.ip,
            about.user_agent,
            about.type,
            transport="udp" if udp else "rest",
        )
    _check_options(sent.reason)
    if not sent.taken:
        raise NotSent(sent.reason)
    print_line("handed to the network" if udp else "taken")


@app.command
def resolve(
    event: str,
    action: Literal["GOOD", "BAD"],
    /,
    *,
    where: Where = NOWHERE,
) -> None:
    """Tell GuardianKey that an event was the user's own doing (GOOD) or not (BAD).

    The event's token is the one that the agent kept; without it, it is asked for, or read as a line
    of standard input.

    Parameters
    ----------
    event
        The event's id.
    action
        What it was.
    """
    if not event:
        raise UsageError("EVENT must not be empty")
    with client_of(where) as client:
        token = _kept_token(event, where.config) or read_secret("event token")
        client.resolve_event(event, token, action)
    print_line(f"resolved as {action}")


def _check_options(reason: str) -> None:
    """Raises UsageError if `reason` is an argument that the library cannot send."""
    name, _, problem = reason.partition(" ")
    if name in _OPTION_OF:
        raise UsageError(f"{_OPTION_OF[name]} {problem}")


def _kept_token(event: str, config: Path) -> str | None:
    if config == DEFAULT_CONFIG and not config.exists():
        return None
    path = Path(load_settings(config).store.path)
    if not path.exists():
        return None
    with Store.open(path) as store:
        return store.event_token(event)


def _notify(
    webhook: str | None, host: str | None, port: int, user: str, security: str
) -> Webhook | Email | None:
    if host is None:
        if user:
            raise UsageError("--smtp-user needs --smtp-host")
        return None if webhook is None else Webhook(webhook)
    if webhook is not None:
        raise UsageError("notifications go either to --webhook or through --smtp-host")
    password = read_secret("SMTP password") if user else ""
    return Email(host, port, user, password, security)


def _told(verdict: Verdict) -> dict[str, object]:
    """What may be shown of it; the event's token may not."""
    fields = {
        "response": verdict.response.value,
        "reason": verdict.reason,
        "event": verdict.event_id,
        "message": verdict.message,
        "risk": verdict.risk,
        "country": verdict.country,
    }
    return {name: value for name, value in fields.items() if value not in ("", None)}
