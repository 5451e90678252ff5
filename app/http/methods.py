"""Which methods a path takes: for `OPTIONS`, and for the header `Allow` of a 405."""

from starlette.applications import Starlette
from starlette.routing import Match, Mount
from starlette.types import Scope

__all__ = ["allowed_methods"]

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_OF_FILES = ("GET", "HEAD")


def allowed_methods(app: Starlette, scope: Scope) -> str:
    """Return the methods that the path of a request takes, as `Allow` lists them.

    The routes are asked method by method: a path may have several of them, one a method.

    Args:
        app: The application.
        scope: The request.
    """
    taken = [method for method in _METHODS if _takes(app, scope, method)]
    return ", ".join([*taken, "OPTIONS"])


def _takes(app: Starlette, scope: Scope, method: str) -> bool:
    # A mounted application has moved the root of its paths.
    root = scope.get("app_root_path", scope.get("root_path", ""))
    asked = {**scope, "method": method, "root_path": root}
    return any(
        route.matches(asked)[0] is Match.FULL
        for route in app.routes
        # Files are mounted, and a mount leaves the method to them.
        if method in _OF_FILES or not isinstance(route, Mount)
    )
