"""python -m tools.sandbox: runs until SIGTERM or SIGINT."""

import argparse
import asyncio
import os
import signal
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from tools.sandbox.guardiankey import Account, AccountsError, read_accounts
from tools.sandbox.server import DEMO_CREDENTIALS, running


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.sandbox",
        description="A strict local stand-in for SecuriThings and GuardianKey.",
        epilog="Credentials: SANDBOX_API_KEY and SANDBOX_API_SECRET (demo-key, demo-secret).",
    )
    parser.add_argument(
        "--listen", metavar="HOST:PORT", type=_address, default="127.0.0.1:8720", help="%(default)s"
    )
    parser.add_argument(
        "--accounts", metavar="FILE", type=Path, help="GuardianKey's groups, a JSON list"
    )
    parser.add_argument("--now", metavar="UNIX", type=int, help="GuardianKey's clock stands still")
    parser.add_argument("--certificate", metavar="FILE", type=Path, help="serve https")
    parser.add_argument("--private-key", metavar="FILE", type=Path, help="of the certificate")
    options = parser.parse_args()
    host, port = options.listen
    try:
        accounts = _accounts(options.accounts)
        tls = _tls(parser, options.certificate, options.private_key)
        asyncio.run(_serve(host, port, accounts, options.now, tls))
    except AccountsError as error:
        parser.exit(1, f"{options.accounts}: {error}\n")
    except OSError as error:
        parser.exit(1, f"cannot listen on {host}:{port}: {error.strerror}\n")


async def _serve(
    host: str,
    port: int,
    accounts: list[Account],
    now: int | None,
    tls: ssl.SSLContext | None,
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    demo_key, demo_secret = DEMO_CREDENTIALS
    credentials = (
        os.environ.get("SANDBOX_API_KEY", demo_key),
        os.environ.get("SANDBOX_API_SECRET", demo_secret),
    )
    async with running(host, port, credentials, accounts=accounts, now=now, tls=tls) as sandbox:
        print(f"listening on {sandbox.url}", flush=True)
        await stop.wait()


def _accounts(file: Path | None) -> list[Account]:
    if file is None:
        return []
    try:
        text = file.read_bytes()
    except OSError as error:
        raise AccountsError(f"cannot be read: {error.strerror}") from None
    return read_accounts(text)


def _tls(
    parser: argparse.ArgumentParser, certificate: Path | None, private_key: Path | None
) -> ssl.SSLContext | None:
    if certificate is None and private_key is None:
        return None
    if certificate is None or private_key is None:
        parser.error("--certificate and --private-key go together")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, private_key)
    except OSError as error:  # ssl.SSLError is one
        parser.exit(1, f"cannot use {certificate} with {private_key}: {error.strerror or error}\n")
    return context


def _address(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    try:
        if parts.hostname and parts.port is not None and parts.netloc == text:
            parts.hostname.encode("idna")
            return parts.hostname, parts.port
    except ValueError:  # the port is no number, or the host can have no address
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, like 127.0.0.1:8720")


if __name__ == "__main__":
    main()
