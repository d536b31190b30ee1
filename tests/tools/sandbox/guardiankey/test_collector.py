"""Events as datagrams."""

import asyncio

import pytest


def test_a_datagram_is_taken_and_gets_no_answer(guardiankey):
    async def scenario(client):
        body = client.v1()
        waiting = asyncio.create_task(client.events(wait=30))
        client.datagram(f"{body['id']}|{body['message']}".encode())
        (taken,) = (await waiting)["events"]
        assert (taken["path"], taken["transport"]) == ("udp", "udp")
        assert (taken["auth_group_id"], taken["event"]) == ("group-1", client.event)

    guardiankey(scenario)


@pytest.mark.parametrize(
    ("datagram", "problem"),
    [
        (b"", "datagram: has no |"),
        (b"group-1", "datagram: has no |"),
        (b"group-2|AAAA", "id: no such authentication group"),
        (b"group-1|\xff", "datagram: is not text"),
        (b"group-1|AAAA|", "message: must be standard, padded base64"),
        (b"group-1|AAAA\n", "message: must be standard, padded base64"),
        (b"group-1|", "message: is empty"),
        (b"group-1|AAAA", "message: does not decrypt"),
    ],
    ids=repr,
)
def test_a_wrong_datagram_is_listed_as_refused(datagram, problem, guardiankey):
    async def scenario(client):
        client.datagram(datagram)
        (refused,) = (await client.listed("refused", wait=30))["refused"]
        assert refused["path"] == "udp"
        assert refused["error"].startswith(problem)
        assert (await client.events())["events"] == []

    guardiankey(scenario)
