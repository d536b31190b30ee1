"""How link, webhook and app take a request in: its body within limits, then one of a number of
places, and every refusal counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import Counter
from starlette.exceptions import HTTPException
from starlette.requests import Request

from host_agent.request_body import BodyRefused, read_body


@dataclass
class Intake:
    """`what` is what a body ought to be, for texts; `results` counts refusals by their label."""

    what: str
    results: Counter
    max_bytes: int
    body_timeout_s: float
    free: int
    """Places for requests whose bodies are read."""
    retry_s: int
    """When to come again if there is no place."""

    async def body(self, request: Request) -> bytes:
        """Raises BodyRefused. A body takes no place while it is on its way."""
        try:
            return await read_body(request, self.what, self.max_bytes, self.body_timeout_s)
        except BodyRefused as error:
            self.count("too_large" if error.status_code == 413 else "malformed")
            raise

    @contextmanager
    def place(self) -> Iterator[None]:
        """Holds a place; raises 503 if all are taken."""
        if not self.free:
            raise self.refusal("busy", 503, "busy", self.retry_s)
        self.free -= 1
        try:
            yield
        finally:
            self.free += 1

    def refusal(
        self, result: str, status: int, detail: str, retry_s: int | None = None
    ) -> HTTPException:
        """The exception to raise, once it is counted."""
        self.count(result)
        headers = {} if retry_s is None else {"Retry-After": str(retry_s)}
        return HTTPException(status, detail, headers)

    def count(self, result: str) -> None:
        self.results.labels(result).inc()
