"""What a method of a path takes and answers, in the words of OpenAPI 3.1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import msgspec

from host_agent.console.api.refusal import Refusal

Json: TypeAlias = dict[str, Any]
Needs: TypeAlias = Literal["nothing", "token", "token from afar", "session"]
"""`token from afar`: none from this machine itself."""

JSON = "application/json"
HTML = "text/html"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Operation:
    """`name` is its operationId, `answers` are responses by status, beside those that `needs`
    brings with it."""

    method: str
    path: str
    name: str
    summary: str
    needs: Needs
    answers: Mapping[int, Json]
    parameters: Sequence[Json] = ()
    body: Json | None = None
    description: str = field(default="", kw_only=True)


def schema_of(type_: type[msgspec.Struct]) -> Json:
    return {"$ref": f"#/components/schemas/{type_.__name__}"}


def content(media_type: str, schema: Json | None = None) -> Json:
    """A body of that type; text unless a schema says more."""
    return {media_type: {"schema": schema or {"type": "string"}}}


def answer(description: str, body: Json | None = None, *headers: str) -> Json:
    """A response with a body as of `content`, or none, that has these headers."""
    told: Json = {"description": description}
    if headers:
        told["headers"] = {
            name: {"required": True, "schema": {"type": "string"}} for name in headers
        }
    if body is not None:
        told["content"] = body
    return told


def json_answer(description: str, type_: type[msgspec.Struct], *headers: str) -> Json:
    return answer(description, content(JSON, schema_of(type_)), *headers)


def refusal(description: str, *headers: str) -> Json:
    return json_answer(description, Refusal, *headers)


def parameter(name: str, place: str, schema: Json, description: str) -> Json:
    """`place` is "path" (then it is required) or "query"."""
    required = place == "path"
    return {
        "name": name,
        "in": place,
        "required": required,
        "schema": schema,
        "description": description,
    }
