"""Versions leave the workers when nobody needs them any more, and never before."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from madeira.app.errors import UnavailableError
from madeira.app.jobs import ModelKey, ScoreJob
from madeira.app.registry import Registry, ServedModel
from madeira.app.workers.execute import execute
from madeira.models import DensityEstimator
from madeira.models.arrays import Float64
from madeira.models.checkpoint import read_description
from tests.app.crew import Crew, crew
from tests.waiting import wait_until

NAMES = ("fair", "kiosk", "shop")

LOGS: dict[Path, Path] = {}
"""The log of the worker of each runtime directory."""


@pytest.fixture
def directory(checkpoints: Path, tmp_path: Path) -> Path:
    """Three models."""
    for name in NAMES:
        shutil.copytree(checkpoints / "shop", tmp_path / name)
    return tmp_path


@pytest.fixture
def workers(directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    """Make workers write down what they load and release."""
    path = tmp_path_factory.mktemp("log") / "worker.log"
    before = os.dup(2)
    with ExitStack() as stack:
        try:
            with path.open("wb") as file:
                os.dup2(file.fileno(), 2)  # the worker inherits it
            running = stack.enter_context(crew(directory, log_level="info"))
        finally:
            os.dup2(before, 2)
            os.close(before)
        LOGS[running.workers.directory] = path
        yield running


@pytest.fixture
def said(workers: Crew) -> Callable[[str], int]:
    """How many times the worker has said something."""
    return lambda what: LOGS[workers.workers.directory].read_text().count(what)


@pytest.fixture
def registry(directory: Path, workers: Crew) -> Registry:
    """Serve three models with room for two."""
    size = read_description(directory / "shop" / "1").size_bytes
    found = Registry(directory, limit_bytes=5 * size)
    workers.run(found.refresh(workers.engine))
    assert tuple(found.models) == NAMES
    return found


@pytest.fixture(scope="module")
def values(estimator: DensityEstimator, shop_table: pa.Table) -> Float64:
    encoded: Float64 = estimator.schema.encode(shop_table)
    return encoded


def ask(workers: Crew, registry: Registry, name: str, rows: Float64) -> Float64:
    """Score one row, as a request does."""

    async def request() -> Float64:
        model = registry.resolve(name)
        with await registry.lease(model, workers.engine) as key:
            return (await workers.engine.run(ScoreJob(key, rows, False))).log_likelihood

    return workers.run(request())


def test_the_model_not_asked_for_longest_makes_room_and_comes_back(
    workers: Crew,
    registry: Registry,
    said: Callable[[str], int],
    values: Float64,
    estimator: DensityEstimator,
) -> None:
    expected = execute(ScoreJob(ModelKey("shop", "1"), values, False), estimator.density)
    for name in ("fair", "kiosk", "shop", "kiosk", "fair", "shop", "kiosk"):
        found = ask(workers, registry, name, values)
        np.testing.assert_array_equal(found, expected.log_likelihood)
        assert registry.held[-1].name == name
        assert len(registry.held) <= 2
    wait_until(lambda: said("released fair version 1") > 0)
    assert said("loaded fair version 1") > 1
    for name in NAMES:
        copies = int(ModelKey(name, "1") in registry.held)

        def in_the_worker(name: str = name) -> int:
            return said(f"loaded {name} version 1") - said(f"released {name} version 1")

        while in_the_worker() != copies:
            time.sleep(0.01)


def test_a_model_stays_until_the_request_that_uses_it_is_done(
    workers: Crew, registry: Registry, said: Callable[[str], int], values: Float64
) -> None:
    ask(workers, registry, "fair", values[:1])
    before = said("loaded fair version 1"), said("released fair version 1")

    async def request(model: ServedModel) -> int:
        with await registry.lease(model, workers.engine) as key:
            await workers.engine.run(ScoreJob(key, values[:1], False))
            for name in ("kiosk", "shop"):
                (await registry.lease(registry.resolve(name), workers.engine)).close()
            assert model.key not in registry.held
            return len((await workers.engine.run(ScoreJob(key, values, False))).log_likelihood)

    assert workers.run(request(registry.resolve("fair"))) == len(values)
    wait_until(lambda: said("released fair version 1") == before[1] + 1)
    assert said("loaded fair version 1") == before[0]


def test_a_model_that_was_harmed_while_it_was_unloaded_is_told(
    workers: Crew, registry: Registry, directory: Path, values: Float64
) -> None:
    for name in ("kiosk", "shop"):
        ask(workers, registry, name, values[:1])
    file = directory / "fair" / "1" / "model.safetensors"
    content = file.read_bytes()
    file.write_bytes(content[:1000])
    with pytest.raises(UnavailableError, match=r"model\.safetensors"):
        ask(workers, registry, "fair", values[:1])
    ask(workers, registry, "shop", values[:1])
    file.write_bytes(content)
    assert len(ask(workers, registry, "fair", values)) == len(values)
