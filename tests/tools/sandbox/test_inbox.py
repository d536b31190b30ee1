"""What the inbox keeps."""

import asyncio

from tools.sandbox.inbox import Inbox


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
