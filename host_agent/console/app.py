"""The console's ASGI application."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from host_agent.console.health import health_routes
from host_agent.loopback import own_names
from host_agent.metrics import Metrics
from host_agent.store import Store


def console_app(
    store: Store, metrics: Metrics, problems: Callable[[], list[str]], host: str
) -> Starlette:
    """`host` is the address it listens on; on loopback it answers `own_names` only."""
    names = own_names(host)
    return Starlette(
        routes=health_routes(store, metrics, problems),
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=names, www_redirect=False)],
    )
