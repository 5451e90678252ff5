"""The pages for people: the console at `/`, and the API's documentation at `/docs`.

Both are complete: a browser that reaches only this service shows all of them.
Links are relative, so that they work behind a proxy that serves the whole under a path.
"""

from importlib.resources import files

from fastapi import APIRouter, FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

__all__ = ["install"]

ASSETS = "/docs/assets"

_CONSOLE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
)
"""Policy that allows the page to connect to its own service only."""

router = APIRouter(include_in_schema=False)


@router.get("/")
@router.head("/")
async def console() -> Response:
    """The console."""
    return HTMLResponse(_CONSOLE, headers={"Content-Security-Policy": _CONSOLE_POLICY})


@router.get("/docs")
@router.head("/docs")
async def documentation() -> Response:
    """Swagger UI, with the assets of the package `fastapi-swagger`."""
    return get_swagger_ui_html(
        openapi_url="openapi.json",
        title="Madeira: API",
        swagger_js_url=f".{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f".{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f".{ASSETS}/favicon-32x32.png",
        swagger_ui_parameters={
            "tryItOutEnabled": True,
            "displayRequestDuration": True,
            "defaultModelsExpandDepth": 0,
            "validatorUrl": None,  # else the badge sends the description to a public validator
        },
    )


def install(app: FastAPI) -> None:
    """Put the pages into an application."""
    app.include_router(router)
    app.mount(ASSETS, StaticFiles(packages=[("fastapi_swagger", "resources")]), "assets")


_CONSOLE = files("madeira.app").joinpath("console/index.html").read_text(encoding="utf-8")
