"""`create_app`: the only place where the parts of the service are put together."""

import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from anyio import to_thread
from fastapi import FastAPI

from app.api import health, impute, models, openapi, pages, problems, sample, score
from app.api.service import Service
from app.registry import Registry, ServedModel
from app.settings import Settings
from app.workers import Pool
from models.inference import warm_up

__all__ = ["create_app"]

log = logging.getLogger(__name__)

_DESCRIPTION = """
Exact densities of tables. A trained model answers three questions about rows:
how likely are they (`/score`), draw new ones (`/sample`), fill what is missing (`/impute`).

Rows come as a list of objects, `{"rows": [{"column": value}]}`, or as
`{"columns": [...], "data": [[...]]}`. Null, or a column that is not there, is a missing value.
Rows are counted from 0. Whatever goes wrong is answered with `application/problem+json`.
"""

_TAGS = [
    {"name": "Density", "description": "Score, sample and impute rows."},
    {"name": "Models", "description": "What is served."},
    {"name": "Health", "description": "For whoever keeps the service running."},
]


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service, with its models loaded when it starts.

    Args:
        settings: None reads them from the environment.

    Raises:
        SettingsError: A setting is unknown or impossible.
    """
    settings = settings or Settings.read()
    registry = Registry(settings.checkpoints, settings.device, settings.default_model)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await to_thread.run_sync(registry.load)
        pool = Pool(registry.density, settings.threads)
        app.state.service = Service(settings, registry, pool)
        for model in registry.models.values():
            await _warm_up(model)
        # The models stay: the garbage collector need not look at them on every round.
        gc.collect()
        gc.freeze()
        yield
        pool.close()

    app = FastAPI(
        title="Madeira",
        version=_version(),
        summary="Exact densities of tables: score, sample and impute rows.",
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for resource in (score, sample, impute, models, health):
        app.include_router(resource.router)
    pages.install(app)
    openapi.install(app)
    problems.register(app)
    return app


async def _warm_up(model: ServedModel) -> None:
    """Has everything computed that is computed only once, so that no caller waits for it."""
    try:
        await to_thread.run_sync(warm_up, model.density)
    except Exception:
        # It is asked again with the first request, and answers with what is wrong.
        log.exception("model %s cannot compute", model.key.name)


def _version() -> str:
    try:
        return version("madeira")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"
