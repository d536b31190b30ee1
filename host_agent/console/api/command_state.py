"""A command as the API shows it."""

import msgspec

from host_agent.commands import Args, Command, State


class CommandState(msgspec.Struct):
    """A command and what became of it. `result` tells why it failed, or what is not known."""

    id: int
    device: str
    name: str
    value: Args
    state: State
    result: str
    created_ms: int
    expires_ms: int
    sent_ms: int | None
    settled_ms: int | None


def state_of(command: Command) -> CommandState:
    return CommandState(
        id=command.id,
        device=command.device,
        name=command.name,
        value=command.args,
        state=command.state,
        result=command.result,
        created_ms=command.created_ms,
        expires_ms=command.expires_ms,
        sent_ms=command.sent_ms,
        settled_ms=command.settled_ms,
    )
