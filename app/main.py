"""`create_app`: the only place where the parts of the service are put together."""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from madeira.app.api import health, impute, models, pages, platforms, sample, score
from madeira.app.api import metrics as metrics_page
from madeira.app.engine import Admission, Engine, WorkerPoolSize
from madeira.app.http import openapi, problems
from madeira.app.http.limit import ConcurrencyLimit
from madeira.app.http.routes import ServiceApp
from madeira.app.ipc.worker_config import WORKER_MODULE
from madeira.app.logs import set_up_logs
from madeira.app.metrics import Metrics
from madeira.app.plane import DataPlane, EngineMetrics, MemoryLimit
from madeira.app.processes.devices import require_devices
from madeira.app.processes.spares import with_spares
from madeira.app.processes.worker_processes import WorkerProcesses, worker_plan
from madeira.app.registry import Registry
from madeira.app.registry.siblings import Siblings
from madeira.app.settings import Settings
from madeira.app.traces import Traces, traces_of

__all__ = ["create_app"]

log = logging.getLogger(__name__)

GARBAGE_OBJECTS = 20_000

SWITCH_INTERVAL_S = 0.0005
"""So soon a thread that reads or writes a large table lets the event loop go on."""

_DESCRIPTION = """
Exact densities of tables. A trained model answers three questions about rows:
how likely are they (`/score`), draw new ones (`/sample`), fill what is missing (`/impute`).

Rows come as a list of objects, `{"rows": [{"column": value}]}`, or as
`{"columns": [...], "data": [[...]]}`. Null, or a column that is not there, is a missing value.
Rows are counted from 0. Whatever goes wrong is answered with `application/problem+json`.
"""

_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "auto_configure": False,
}
"""Requests are traced and counted once, by this package."""

_TAGS = [
    {"name": "Density", "description": "Score, sample and impute rows."},
    {"name": "Models", "description": "What is served."},
    {"name": "Platforms", "description": "The routes that platforms for models expect."},
    {"name": "Health", "description": "For whoever keeps the service running."},
]


def create_app(
    settings: Settings | None = None,
    runtime: Path | None = None,
    worker_module: str = WORKER_MODULE,
    traces: Traces | None = None,
) -> ServiceApp:
    """Put the service together, which loads its models beside the requests when it starts.

    Args:
        settings: None reads them from the environment, and sets up the log as they say.
        runtime: Where the workers are found; None starts workers of its own.
        worker_module: What these run.
        traces: Where requests are traced; None reads it from the environment.

    Raises:
        SettingsError: A setting is unknown or impossible, or names a device that is not there.
    """
    if settings is None:
        settings = Settings.read()
        set_up_logs(settings.log_format, settings.log_level)
    if runtime is None:
        require_devices(settings.worker_devices)
    settings = with_spares(settings)
    traces = traces or traces_of()
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        with ExitStack() as stack:
            directory = runtime
            if directory is None:
                workers = WorkerProcesses(worker_plan(settings, worker_module))
                directory = stack.enter_context(workers).directory
            admission = Admission(
                settings.queue_limit_cost, settings.queue_limit_requests, metrics.queued
            )
            telemetry = EngineMetrics(metrics)
            size = WorkerPoolSize(
                len(settings.worker_devices), settings.spare_workers or 0, settings.worker_wait_s
            )
            engine = Engine(directory, size, admission, telemetry.computed)
            limit = settings.memory_limit_mb
            registry = Registry(
                settings.search_path,
                settings.default_model,
                settings.pins,
                None if limit is None else limit * 2**20,
                telemetry,
            )
            telemetry.begin(registry, engine)
            siblings = None if runtime is None else await _join(runtime, registry, engine)
            memory = MemoryLimit(settings.request_memory_limit_bytes)
            app.state.plane = DataPlane(settings, registry, engine, metrics, memory)
            app.state.limit, app.state.siblings = app.limit, siblings
            loading = asyncio.create_task(_load(app, registry, engine, settings.reload_interval_s))
            try:
                yield
            finally:
                loading.cancel()
                await asyncio.wait([loading])
                telemetry.close()
                if siblings is not None:
                    siblings.close()
                engine.close()
                if traces is not None:
                    await asyncio.to_thread(traces.close)

    framework = FastAPI(
        title="Madeira",
        version=_version(),
        summary="Exact densities of tables: score, sample and impute rows.",
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    for resource in (score, sample, impute, models, platforms, health, metrics_page):
        framework.include_router(resource.router)
    pages.install(framework)
    openapi.install(framework, {"n": settings.sample_limit_rows, "draws": settings.draws_limit})
    problems.register(framework)
    questions = (score, sample, impute, platforms)
    routes = [route for question in questions for route in question.router.routes]
    limit = ConcurrencyLimit(settings.queue_limit_requests)
    app = ServiceApp(framework, routes, limit, metrics, traces, lifespan)
    return app


async def _join(runtime: Path, registry: Registry, engine: Engine) -> Siblings:
    """Have the other API processes tell this one to look for new versions."""

    async def look(name: str) -> str | None:
        await registry.refresh(engine, again=name)
        served = registry.models.get(name)
        return None if served is None else served.key.version

    siblings = Siblings(runtime, look)
    await siblings.open()
    return siblings


async def _load(app: ServiceApp, registry: Registry, engine: Engine, interval_s: float) -> None:
    """Load the models, beside the requests for those that are there; then look for new ones."""
    try:
        await registry.refresh(engine)
    except Exception:
        log.exception("the models could not be loaded")
    # The models stay: the garbage collector need not look at them on every round.
    gc.collect()
    gc.freeze()
    # What requests leave behind is rarely cyclic; looking for it at every 700 objects, as Python
    # does by itself, took a seventh of the time of a request of one row.
    gc.set_threshold(GARBAGE_OBJECTS)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    app.loaded()
    while interval_s > 0:
        await asyncio.sleep(interval_s)
        try:
            await registry.refresh(engine)
        except Exception:
            log.exception("the models could not be looked for")


def _version() -> str:
    try:
        return version("madeira")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"
