"""People's browsers, as far as the console can tell."""

import re
from typing import Any

import requests

PASSWORD = "correct horse battery staple"
USER_AGENT = "Browser/1.0"
TIMEOUT_S = 40


class Browser(requests.Session):
    """Somebody's browser. Paths are those of the console; it follows no redirect by itself, except
    for `get`."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.trust_env = False
        self.url = url
        self.headers["User-Agent"] = USER_AGENT

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        options.setdefault("timeout", TIMEOUT_S)
        return super().request(method, url if "://" in url else self.url + url, **options)

    def csrf(self, path: str = "/console") -> str:
        """The token in the forms of a page."""
        return csrf(self.get(path).text)

    def submit(self, path: str, **fields: str) -> requests.Response:
        """A form of a page, sent with its token: what the console answers, mostly a 303."""
        fields = {"csrf": self.csrf(), **fields}
        return self.post(path, data=fields, allow_redirects=False)

    def log_in(
        self, user: str = "ann", password: str = PASSWORD, **fields: str
    ) -> requests.Response:
        """The form to log in, sent: what the console answers."""
        fields = {"user": user, "password": password, **fields}
        return self.post("/console/login", data=fields, allow_redirects=False)


def csrf(page: str) -> str:
    """The token in the forms of a page."""
    return re.findall(r'name="csrf" value="([^"]+)"', page)[0]
