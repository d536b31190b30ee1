"""A new account at GuardianKey, and where its notifications go (WIRE.md B7)."""

import base64
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from host_agent.guardiankey.errors import RegistrationError
from host_agent.guardiankey.settings import (
    HEADERS,
    IV_BYTES,
    KEY_BYTES,
    check_api,
    joined,
    tls_context,
)
from host_agent.guardiankey.verdict import json_object
from host_agent.http_response import Response

_TIMEOUT_S = (5.0, 30.0)  # nobody's login waits for it
_TOLD_CHARACTERS = 200


@dataclass(frozen=True)
class Webhook:
    """Notifications are posted to `url`. Raises RegistrationError unless it is http or https."""

    url: str

    method = "webhook"

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
        except (ValueError, AttributeError):
            usable = None
        if not usable or not self.url.isprintable():
            raise RegistrationError("webhook must be a URL like https://HOST/PATH")

    def data(self) -> dict[str, str]:
        """Its fields of a registration."""
        return {"webhook_url": self.url}


@dataclass(frozen=True)
class Email:
    """GuardianKey sends e-mail through this SMTP server; it gets to know the password.

    `security` is TLS, SSL or empty. Raises RegistrationError naming the field.
    """

    host: str
    port: int = 587
    user: str = ""
    password: str = field(default="", repr=False)
    security: str = "TLS"

    method = "email"

    def __post_init__(self) -> None:
        for name in ("host", "user", "password", "security"):
            value = getattr(self, name)
            if not isinstance(value, str) or (value and not value.isprintable()):
                raise RegistrationError(f"smtp {name} must be a printable text")
        if not self.host:
            raise RegistrationError("smtp host is missing")
        if isinstance(self.port, bool) or not isinstance(self.port, int):
            raise RegistrationError("smtp port must be a number")
        if not 0 < self.port < 65536:
            raise RegistrationError("smtp port must be from 1 to 65535")

    def data(self) -> dict[str, str]:
        """Its fields of a registration."""
        return {
            "smtp_method": self.security,
            "smtp_host": self.host,
            "smtp_port": str(self.port),
            "smtp_user": self.user,
            "smtp_pass": self.password,
        }


def register(
    email: str, notify: Webhook | Email | None, api: str, *, ca: str | Path | None = None
) -> dict[str, Any]:
    """The fields of a new Account, for `email` as its administrator; its ids are texts. Raises
    RegistrationError, or GuardianKeyError for an `api` or `ca` that cannot be used."""
    if not isinstance(email, str) or not email.isprintable() or "@" not in email.strip("@"):
        raise RegistrationError("email must be an address like admin@example.com")
    if not isinstance(notify, Webhook | Email | None):
        raise RegistrationError("notify must be a Webhook or an Email")
    check_api(api)
    tls_context(ca)
    made: dict[str, Any] = {
        "agent_id": secrets.token_hex(16),
        "key": secrets.token_bytes(KEY_BYTES),
        "iv": secrets.token_bytes(IV_BYTES),
    }
    form = {
        "email": email,
        "keyb64": base64.b64encode(made["key"]).decode(),
        "ivb64": base64.b64encode(made["iv"]).decode(),
    }
    if notify is not None:
        data = json.dumps(notify.data()).encode()
        form |= {"notify_method": notify.method, "notify_data": base64.b64encode(data).decode()}
    answer = _post(joined(api, "/register"), form, None if ca is None else str(ca))
    sent = [form["keyb64"], form["ivb64"], *(notify.data().values() if notify else ())]
    return made | _ids(answer, _masked(answer.body, [form.get("notify_data", ""), *sent]))


def _post(url: str, form: dict[str, str], ca: str | None) -> Response:
    # requests takes longer to import than all the rest; few programs that have accounts make one.
    from host_agent.http_post import open_session, post

    headers = {**HEADERS, "Content-Type": "application/x-www-form-urlencoded"}
    with open_session(headers) as session:
        return post(session, url, urlencode(form).encode(), _TIMEOUT_S, ca)


def _ids(answer: Response, told: str) -> dict[str, object]:
    if answer.statuscode < 100:
        raise RegistrationError(f"no answer from GuardianKey: {told}")
    content = json_object(answer.body)
    if answer.statuscode != 200 or content is None:
        raise RegistrationError(
            f"GuardianKey made no account (HTTP status {answer.statuscode}): {told}"
        )
    for name in ("authGroupId", "organizationId"):
        if not isinstance(content.get(name), str) or not content[name]:
            raise RegistrationError(f"GuardianKey's answer has no {name}")
    return {
        "auth_group_id": content["authGroupId"],
        "organization_id": content["organizationId"],
    }


def _masked(text: str, secrets_sent: list[str]) -> str:
    """The beginning of an answer on one line, without what must stay secret."""
    for secret in filter(None, secrets_sent):
        for spelling in _spellings(secret):
            text = text.replace(spelling, "***")
    return " ".join(text.split())[:_TOLD_CHARACTERS]


def _spellings(text: str) -> Iterator[str]:
    """The text, and as JSON or a form has it."""
    for spelling in (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
        yield spelling
        yield spelling.replace("/", r"\/")
    yield quote(text, safe="")
    yield quote_plus(text)
