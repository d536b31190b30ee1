"""One POST through `requests`, bounded in time and in bytes. Blocks: only for a Worker."""

from errno import ETIMEDOUT

try:
    import urequests as requests
except ImportError:
    import requests


def post(url, content_type, data, limit, deadline):
    """(HTTP status, body of at most `limit` + 1 bytes, seconds of Retry-After or 0).

    Raises OSError or ValueError, or what else goes wrong inside `requests`; ETIMEDOUT when the
    Deadline passed.
    """
    with deadline:
        try:
            response = requests.post(url, data=data, headers={"Content-Type": content_type})
            announced = _number(response.headers, "content-length", None)
            length = limit + 1 if announced is None else min(announced, limit + 1)
            body = response.raw.read(length)
            if announced is not None and len(body) < length:
                raise ValueError("the answer is cut off")
            return response.status_code, body, _number(response.headers, "retry-after", 0)
        except Exception:
            if deadline.left() <= 0:
                raise OSError(ETIMEDOUT) from None
            raise


def _number(headers, wanted, default):
    for name, value in headers.items():
        if name.lower() == wanted and value.isdigit():
            return int(value)
    return default
