"""What the console's pages take and answer; they are for people, who see them in a browser."""

from host_agent.console.api.operations import Operation

OPERATIONS: tuple[Operation, ...] = ()
