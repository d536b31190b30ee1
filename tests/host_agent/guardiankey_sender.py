"""GuardianKey's end of the webhook, with a cipher of its own."""

import base64
import http.client
import json
import time
from dataclasses import dataclass
from itertools import count
from urllib.parse import urlencode

from Crypto.Cipher import AES

from host_agent.guardiankey import Account

PATH = "/v1/guardiankey/notifications"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

_numbers = count(1)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str


class Sender:
    """Seals notifications for an account and posts them."""

    def __init__(self, account: Account, url: str = "") -> None:
        self.account = account
        self.url = url

    def event(self, **fields: object) -> dict[str, object]:
        """A notification's content, of a new event of now; `fields` add to it or replace."""
        return {
            "generatedTime": int(time.time()),
            "eventId": f"event-{next(_numbers)}",
            "event_token": "a secret token",
            "authGroupId": self.account.auth_group_id,
            "organizationId": self.account.organization_id,
            "agentId": self.account.agent_id,
            "userName": "anna",
            "service": "front-door",
            "clientIP": "192.0.2.7",
            "event_response": "NOTIFY",
            "risk_level": "high",
            "risk_value": "73.5",
        } | fields

    def encrypted(self, plain: bytes) -> str:
        cipher = AES.new(self.account.key, AES.MODE_CFB, iv=self.account.iv, segment_size=8)
        return base64.b64encode(cipher.encrypt(plain)).decode()

    def outer(self, **fields: object) -> dict[str, object]:
        data = self.encrypted(json.dumps(self.event(**fields)).encode())
        return {"authGroupId": self.account.auth_group_id, "data": data}

    def body(self, **fields: object) -> bytes:
        return json.dumps(self.outer(**fields)).encode()

    def form(self, **fields: object) -> bytes:
        return urlencode(self.outer(**fields)).encode()

    def notify(self, **fields: object) -> Answer:
        return self.post(self.body(**fields))

    def post(self, body: bytes, content_type: str | None = JSON, path: str = PATH) -> Answer:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=40)
        headers = {} if content_type is None else {"Content-Type": content_type}
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read().decode())
        finally:
            connection.close()
