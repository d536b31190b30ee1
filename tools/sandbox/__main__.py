"""python -m tools.sandbox: runs until SIGTERM or SIGINT."""

import argparse
import asyncio
import os
import signal
from urllib.parse import urlsplit

from tools.sandbox.server import DEMO_CREDENTIALS, running


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.sandbox",
        description="A strict local stand-in for SecuriThings' event endpoint.",
        epilog="Credentials: SANDBOX_API_KEY and SANDBOX_API_SECRET (demo-key, demo-secret).",
    )
    parser.add_argument(
        "--listen", metavar="HOST:PORT", type=_address, default="127.0.0.1:8720", help="%(default)s"
    )
    host, port = parser.parse_args().listen
    try:
        asyncio.run(_serve(host, port))
    except OSError as error:
        parser.exit(1, f"cannot listen on {host}:{port}: {error.strerror}\n")


async def _serve(host: str, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    demo_key, demo_secret = DEMO_CREDENTIALS
    credentials = (
        os.environ.get("SANDBOX_API_KEY", demo_key),
        os.environ.get("SANDBOX_API_SECRET", demo_secret),
    )
    async with running(host, port, credentials) as sandbox:
        print(f"listening on {sandbox.url}", flush=True)
        await stop.wait()


def _address(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    try:
        if parts.hostname and parts.port is not None and parts.netloc == text:
            return parts.hostname, parts.port
    except ValueError:  # the port is no number
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, like 127.0.0.1:8720")


if __name__ == "__main__":
    main()
