"""The console's ASGI application."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from host_agent.console.health import health_routes
from host_agent.loopback import is_loopback
from host_agent.metrics import Metrics
from host_agent.store import Store

_LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]


def console_app(
    store: Store, metrics: Metrics, problems: Callable[[], list[str]], host: str
) -> Starlette:
    """`host` is the address it listens on. On loopback only requests that name this machine are
    answered, so that no web page reaches it through a name of its own (DNS rebinding).
    """
    own_name = f"[{host}]" if ":" in host else host
    names = [*_LOOPBACK, own_name] if is_loopback(host) else ["*"]
    return Starlette(
        routes=health_routes(store, metrics, problems),
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=names, www_redirect=False)],
    )
