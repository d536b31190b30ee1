"""An agent that the system admits few open files unless it asks for more."""

import contextlib
import resource
import socket


def test_idle_connections_keep_no_board_out(board, launch, press) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    try:
        agent = launch().started()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    address = agent.link.removeprefix("http://").split(":")
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(socket.create_connection(address, timeout=60))
        assert board.report(agent.link, press(1, 1)) == {"ack": [1, 1]}
        assert agent.get("/readyz")[0] == 200
