"""A program that asks the API."""

from typing import Any

import requests

POWER = "/devices/door/commands/power"


class Program(requests.Session):
    """A program with a token, or without one. Paths are those of the API."""

    def __init__(self, url: str, token: str | None = None) -> None:
        super().__init__()
        self.trust_env = False
        self.url = url
        if token is not None:
            self.headers["Authorization"] = f"Bearer {token}"

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        return super().request(method, self.url + url, timeout=60, **options)


def told(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]
