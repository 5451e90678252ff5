"""A small real model of every type of column, and the real service on it over real sockets."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import palmerpenguins
import pyarrow as pa
import pytest

from madeira.app.jobs import ScoreJob
from madeira.app.settings import Settings
from madeira.models import DensityEstimator
from madeira.models.made import MaskConfig, NetworkConfig
from madeira.models.schema.schema import Schema
from madeira.models.training.config import FitConfig, MemberConfig, TrainingConfig
from tests.app.crew import KEY
from tests.app.running import RunningService, running

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = [
    "checkpoints",
    "estimator",
    "job",
    "page",
    "penguin_checkpoints",
    "penguins",
    "service",
    "shop_table",
    "start",
]

ROWS = 240


@pytest.fixture(scope="session")
def shop_table() -> pa.Table:
    """Return customers of a shop: text, booleans, whole and other numbers, instants, gaps."""
    rng = np.random.default_rng(5)
    city = rng.choice(["Funchal", "Machico", "São Vicente"], ROWS, p=[0.5, 0.3, 0.2])
    member = rng.random(ROWS) < np.where(city == "Funchal", 0.8, 0.3)
    income = rng.lognormal(10, 0.4, ROWS).round(2)
    visits = rng.poisson(np.where(member, 20, 5)).astype(np.int64)
    joined = 1.6e9 + rng.random(ROWS) * 1e8
    born = rng.integers(0, 15_000, ROWS).astype(np.int32)
    gap = rng.random((4, ROWS)) < 0.1
    return pa.table(
        {
            "city": pa.array(city, pa.string(), mask=gap[0]),
            "member": pa.array(member, pa.bool_(), mask=gap[1]),
            "income": pa.array(income, pa.float64(), mask=gap[2]),
            "visits": pa.array(visits, pa.int64(), mask=gap[3]),
            "joined": pa.array(joined.astype(np.int64), pa.int64()).cast(
                pa.timestamp("s", tz="UTC")
            ),
            "born": pa.array(born, pa.date32()),
            '100% "risk"': pa.array(rng.choice(["low", "high"], ROWS), pa.string()),
            "note": pa.array([f"customer {number}" for number in range(ROWS)]),
            "country": pa.array(["Portugal"] * ROWS),
        }
    )


@pytest.fixture(scope="session")
def estimator(shop_table: pa.Table) -> DensityEstimator:
    """Train a density of the shop: real, small, and trained for seconds only."""
    network = NetworkConfig(hidden=(32, 32), residual=True)
    masks = MaskConfig("sampled", "even", count=None, ensemble=2)
    training = TrainingConfig(max_epochs=8, patience_epochs=8)
    member = MemberConfig("any-order", network, masks, training)
    config = FitConfig((member,))
    fitted = DensityEstimator(config=config, seed=1).fit(
        shop_table, {"note": "left_out", "country": "left_out", "visits": "continuous"}
    )
    return fitted.describe("shop", "Customers of a shop.")


@pytest.fixture(scope="session")
def job(estimator: DensityEstimator, shop_table: pa.Table) -> ScoreJob:
    """Three rows to score."""
    return ScoreJob(KEY, estimator.schema.encode(shop_table)[:3], False)


@pytest.fixture(scope="session")
def checkpoints(estimator: DensityEstimator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with one model, `shop`, version 1."""
    directory = tmp_path_factory.mktemp("checkpoints")
    estimator.save(directory / "shop" / "1")
    return directory


@pytest.fixture(scope="module")
def start(checkpoints: Path) -> Iterator[Callable[..., RunningService]]:
    """Start services with settings of their own; all of them stop with the module."""
    with ExitStack() as stack:

        def begin(**flags: object) -> RunningService:
            settings = Settings.read(**{"checkpoints": checkpoints, "threads": 1, **flags})
            return stack.enter_context(running(settings))

        yield begin


@pytest.fixture(scope="session")
def service(checkpoints: Path) -> Iterator[RunningService]:
    """Yield the service with chunks so small that every larger request has several.

    It is started once for all modules: a test that changes it, or needs other settings, starts its
    own.
    """
    flags = {"checkpoints": checkpoints, "threads": 1}
    with running(Settings.read(**flags, compute_chunk_rows=64, stream_chunk_rows=16)) as one:
        yield one


@pytest.fixture(scope="session")
def penguin_checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train quickly a model of the name and the columns of a bundled one."""
    table = pa.Table.from_pandas(palmerpenguins.load_penguins(), preserve_index=False)
    masks = MaskConfig("sampled", "even", count=None, ensemble=2)
    training = TrainingConfig(max_epochs=2, patience_epochs=2)
    member = MemberConfig("any-order", NetworkConfig(hidden=(16,)), masks, training)
    config = FitConfig((member,))
    directory = tmp_path_factory.mktemp("penguins")
    fitted = DensityEstimator(config=config).fit(table, Schema.infer(table))
    fitted.save(directory / "penguins" / "1")
    return directory


@pytest.fixture(scope="session")
def penguins(penguin_checkpoints: Path) -> Iterator[RunningService]:
    """Yield the service on the model that the examples of the description are about."""
    with running(Settings.read(checkpoints=penguin_checkpoints, threads=1)) as one:
        yield one


@pytest.fixture
def page(chromium: str) -> Iterator["Page"]:
    """Yield a page of the system's browser."""
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 1280, "height": 1600})
        browser.close()
