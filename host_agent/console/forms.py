"""Forms as browsers send them: urlencoded, within limits."""

from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from host_agent.request_body import BodyRefused, read_body

MAX_FORM_BYTES = 64 * 1024
MAX_FIELDS = 100
FORM_TIMEOUT_S = 10
_TYPE = "application/x-www-form-urlencoded"


async def read_form(
    request: Request, max_bytes: int = MAX_FORM_BYTES, timeout_s: float = FORM_TIMEOUT_S
) -> dict[str, str]:
    """The fields; of those with one name the last. Raises HTTPException: 415 another type, 400 no
    UTF-8 or too many fields, and BodyRefused."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != _TYPE:
        raise BodyRefused(415, f"a form must be {_TYPE}")
    body = await read_body(request, "form", max_bytes, timeout_s)
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError as error:
        raise HTTPException(400, f"a form must be {_TYPE}, in UTF-8") from error
    return dict(fields)
