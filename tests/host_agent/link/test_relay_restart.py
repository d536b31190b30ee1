"""kill -9 of the process that relays: before the verdict is kept, and after."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from host_agent.guardiankey.aio import Api
from host_agent.link.relay import Relay
from host_agent.link.sessions import Sessions
from host_agent.metrics import Metrics
from host_agent.store import Store
from tests.host_agent.link.guarded import KNOWN, PATIENCE_S, attempt
from tests.host_agent.waiting import until
from tools.sandbox import running

RELAYING = """
import asyncio, sys
from pathlib import Path
from host_agent.guardiankey.aio import Api
from host_agent.link.relay import Relay
from host_agent.link.sessions import Sessions
from host_agent.metrics import Metrics
from host_agent.store import Store

async def main(store, url, frame):
    metrics = Metrics()
    async with Api(url, connect_s=40, total_s=40) as api:
        await Sessions(store, metrics, Relay(api, store, metrics, call_s=40)).exchange(frame)
        await asyncio.Event().wait()

asyncio.run(main(Store.open(Path(sys.argv[1])), sys.argv[2], sys.stdin.buffer.readline().strip()))
"""


@contextmanager
def relaying(path, url: str, frame: bytes) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that relays the attempt in a frame, killed at the end of the block."""
    with subprocess.Popen(
        [sys.executable, "-c", RELAYING, str(path), url], stdin=subprocess.PIPE
    ) as process:
        try:
            process.stdin.write(frame + b"\n")
            process.stdin.flush()
            yield process
        finally:
            process.kill()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "agent.db"


@pytest.fixture
def key(path) -> bytes:
    with Store.open(path) as store:
        return store.add_device("door", "Lock").key


async def repeated(path, sandbox, board, asked) -> dict[str, object]:
    """What a new process answers to the attempt in the board's next frame."""
    metrics = Metrics()
    with Store.open(path) as store:
        async with Api(sandbox.url, connect_s=PATIENCE_S, total_s=PATIENCE_S) as api:
            relay = Relay(api, store, metrics, call_s=PATIENCE_S)
            sessions = Sessions(store, metrics, relay)
            answer = await sessions.exchange(board.seal(attempt=asked))
            return board.open(answer.frame)["verdict"]


def test_an_attempt_without_a_kept_verdict_is_asked_again(path, key, make_board) -> None:
    board, asked = make_board("door", key), attempt(7)

    async def conversation() -> None:
        async with running(accounts=[KNOWN]) as sandbox:
            sandbox.guardiankey_faults.add(b'[{"kind": "hang"}]')
            with relaying(path, sandbox.url, board.seal(attempt=asked)), Store.open(path) as store:
                await until(lambda: store.device("door").frame == 1)
                await until(lambda: not sandbox.guardiankey_faults.pending())
                assert store.attempts() == []
            verdict = await repeated(path, sandbox, board, asked)
            assert verdict == {"id": 7, "response": "ACCEPT", "retry": False}
            assert len(sandbox.guardiankey.inbox.after(0)) == 1

    asyncio.run(conversation())


def test_a_kept_verdict_is_given_again(path, key, make_board) -> None:
    board, asked = make_board("door", key), attempt(7)

    async def conversation() -> None:
        async with running(accounts=[KNOWN]) as sandbox:
            with relaying(path, sandbox.url, board.seal(attempt=asked)), Store.open(path) as store:
                await until(store.attempts)
            verdict = await repeated(path, sandbox, board, asked)
            assert verdict == {"id": 7, "response": "ACCEPT", "retry": False}
            assert len(sandbox.guardiankey.inbox.after(0)) == 1

    asyncio.run(conversation())
