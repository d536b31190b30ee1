"""What the inbox keeps."""

import asyncio

import pytest

from tools.sandbox.inbox import Inbox
from tools.sandbox.server import is_loopback


def test_the_newest_events_are_kept_and_the_rest_is_counted():
    async def scenario():
        inbox = Inbox(limit=3)
        for _ in range(5):
            inbox.add(b"{}")
        assert [item.n for item in inbox.after(0)] == [3, 4, 5]
        assert [item.n for item in inbox.after(3)] == [4, 5]
        assert inbox.after(5) == inbox.after(9) == []
        assert inbox.dropped == 2

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("address", "answer"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
        ("fe80::1%eth0", False),
        (None, False),
    ],
)
def test_the_admin_pages_are_for_this_machine(address, answer):
    assert is_loopback(address) is answer
