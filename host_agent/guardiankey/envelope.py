"""How an event travels: encrypted (v1), hashed (v2), or in a datagram (WIRE.md B2-B4)."""

import base64
import hashlib

from host_agent.guardiankey.account import Account
from host_agent.guardiankey.cfb8 import encrypt


def v1(account: Account, event: str) -> dict[str, str]:
    """The content of /checkaccess and /sendevent."""
    return {"id": account.auth_group_id, "message": encrypted(account, event)}


def v2(account: Account, event: str) -> dict[str, str]:
    """The content of /v2/checkaccess; the event is readable, TLS keeps it private."""
    return {
        "id": account.auth_group_id,
        "message": event,
        "hash": v2_hash(account, event),
    }


def datagram(account: Account, event: str) -> bytes:
    """The whole datagram for the collector."""
    return f"{account.auth_group_id}|{encrypted(account, event)}".encode()


def encrypted(account: Account, event: str) -> str:
    """The event's UTF-8 bytes in CFB8, as base64 without line breaks; nothing is padded."""
    return base64.b64encode(encrypt(account.key, account.iv, event.encode())).decode()


def v2_hash(account: Account, message: str) -> str:
    """SHA-256 over the message's bytes and the base64 texts of key and iv, in lower-case hex."""
    return hashlib.sha256((message + account.key_text + account.iv_text).encode()).hexdigest()
