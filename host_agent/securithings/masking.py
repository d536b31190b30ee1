"""Answers may repeat what was sent: the credentials must not get into a log with them."""

import json
import re

from host_agent.securithings.wire import request_headers


def without_secrets(text: str, api_key: str, api_secret: str) -> str:
    """`text` with *** for the credentials, as they are, in JSON and as Basic token (RFC 7617)."""
    token = request_headers(api_key, api_secret)["Authorization"].removeprefix("Basic ")
    plain = [token, api_key, api_secret]
    forms = {form for secret in plain if secret for form in (secret, json.dumps(secret)[1:-1])}
    longest_first = sorted(forms, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), "***", text)
