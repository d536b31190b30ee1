"""Where the console's pages lie; its cookie is good for ROOT and below."""

ROOT = "/console"
LOGIN = f"{ROOT}/login"
LOGOUT = f"{ROOT}/logout"
STATIC = f"{ROOT}/static"
LIVE = f"{ROOT}/live"


def is_below(place: str, path: str) -> bool:
    """Whether the path is the place itself, or in it."""
    return path == place or path.startswith(f"{place}/")
