"""The console's style, script and icon, from memory. A new version of one has a new URL."""

import hashlib
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PATH = "/console/static/{file}"

_DIRECTORY = Path(__file__).parents[1] / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES = {path.name: path.read_bytes() for path in _DIRECTORY.iterdir() if path.suffix in _TYPES}
_VERSIONS = {name: hashlib.sha256(content).hexdigest()[:12] for name, content in _FILES.items()}
_FOR_A_YEAR = "public, max-age=31536000, immutable"


def url_of(name: str) -> str:
    """Where a page finds the file."""
    return f"{PATH.format(file=name)}?v={_VERSIONS[name]}"


async def _file(request: Request) -> Response:
    """One of the console's files; a browser keeps what its URL names by version."""
    name = request.path_params["file"]
    if name not in _FILES:
        raise HTTPException(404)
    current = request.query_params.get("v") == _VERSIONS[name]
    return Response(
        _FILES[name],
        media_type=_TYPES[Path(name).suffix],
        headers={"Cache-Control": _FOR_A_YEAR if current else "no-cache"},
    )


def file_routes() -> list[Route]:
    return [Route(PATH, _file)]
