"""What the inbox keeps."""

import asyncio

from tools.sandbox.inbox import Inbox


def test_the_newest_events_are_kept_and_the_rest_is_counted():
    async def scenario():
        inbox = Inbox(limit=3)
        for _ in range(5):
            inbox.add(b"{}", 2)
        assert [item.n for item in inbox.after(0)] == [3, 4, 5]
        assert [item.n for item in inbox.after(3)] == [4, 5]
        assert inbox.after(5) == inbox.after(9) == []
        assert inbox.dropped == 2

    asyncio.run(scenario())


def test_the_bytes_kept_are_bounded_too():
    async def scenario():
        inbox = Inbox(limit_bytes=10)
        for size in (4, 4, 4, 1):
            inbox.add(b"", size)
        assert [item.n for item in inbox.after(0)] == [2, 3, 4]
        inbox.add(b"", 10)
        assert [item.n for item in inbox.after(0)] == [5]
        inbox.add(b"", 11)
        assert (inbox.after(0), inbox.dropped) == ([], 6)
        inbox.add(b"", 10)
        inbox.clear()
        inbox.add(b"", 10)
        assert [item.n for item in inbox.after(0)] == [8]

    asyncio.run(scenario())
