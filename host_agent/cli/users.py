"""`thingwarden user ...`"""

from typing import Annotated

from cyclopts import App, Parameter

from host_agent.cli.output import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigPath,
    local_time,
    print_json,
    print_line,
    print_table,
)
from host_agent.cli.secret import read_secret
from host_agent.cli.store import open_store

app = App(name="user", help="Who may log in to the console; works while the agent runs.")

Name = Annotated[str, Parameter(help="The user's name.")]


@app.command
def add(
    name: Name,
    /,
    *,
    email: Annotated[str, Parameter(help="Where GuardianKey may write to the user.")] = "",
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Let somebody log in to the console, with a password of 12 characters or more.

    The password is asked for, or read as one line of standard input.

    Example: thingwarden user add ann --email ann@example.com
    """
    with open_store(config) as store:
        store.people.add_user(name, email, _new_password(name))
    print_line(f"added {name}, who may log in to the console now")


@app.command
def password(name: Name, /, *, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Give a user a new password, asked for as with `add`; whoever is logged in with the old one is
    logged out."""
    with open_store(config) as store:
        store.people.set_password(name, _new_password(name))
    print_line(f"{name} has a new password; every session under the old one has ended")


@app.command
def remove(name: Name, /, *, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Let a user log in no more; sessions end at once."""
    with open_store(config) as store:
        store.people.remove_user(name)
    print_line(f"removed {name}; every session of {name} has ended")


@app.command(name="list")
def list_(*, json: AsJson = False, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Show who may log in."""
    with open_store(config) as store:
        users = store.people.users()
    if json:
        print_json(
            {
                "name": user.name,
                "email": user.email,
                "created_ms": user.created_ms,
                "changed_ms": user.changed_ms,
            }
            for user in users
        )
        return
    print_table(
        ["user", "e-mail", "added", "password set"],
        [
            (user.name, user.email, local_time(user.created_ms), local_time(user.changed_ms))
            for user in users
        ],
    )


def _new_password(user: str) -> str:
    """The hash of a password that is asked for."""
    # argon2 brings a library in C, which only whoever gives a password is to wait for.
    from host_agent.passwords import hash_password

    return hash_password(read_secret("password", new=True), user)
