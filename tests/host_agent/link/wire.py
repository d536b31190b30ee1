"""Requests to the device link and their answers, byte by byte."""

import asyncio

from host_agent.metrics import Metrics

HEAD = b"POST /v1/frames HTTP/1.1\r\nHost: agent\r\nContent-Type: application/jose\r\n"


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status, *lines = head.rstrip().split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    return int(status.split()[1]), headers, await reader.readexactly(int(headers["content-length"]))


def post(body: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


def frames(metrics: Metrics, result: str) -> float:
    return metrics.registry.get_sample_value("thingwarden_frames_total", {"result": result}) or 0
