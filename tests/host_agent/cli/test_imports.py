"""A command is not to wait for what only the agent and the clients need."""

import subprocess
import sys

import pytest

COMMAND = """
import sys
from host_agent.cli import main
try:
    main(sys.argv[1:])
finally:
    sys.stderr.write(" ".join(name.partition(".")[0] for name in sys.modules))
"""
NEEDED = {"cyclopts", "msgspec", "sqlite3"}
HEAVY = {
    "Crypto",
    "aiohttp",
    "argon2",
    "cryptography",
    "jinja2",
    "joserfc",
    "prometheus_client",
    "requests",
    "starlette",
    "uvicorn",
}


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize("command", ["--help", "device list", "user list", "serial list"])
def test_a_light_command_imports_no_client_and_no_server(command: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", COMMAND, *command.split()],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0
    imported = set(ended.stderr.split())
    assert imported >= NEEDED
    assert imported & HEAVY == set()
