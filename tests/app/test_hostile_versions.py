"""Whatever lies in the directory of models harms its own version only; the good one serves on."""

import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from madeira.app.jobs import ModelKey, ScoreJob
from madeira.app.registry.checkpoints import MAX_NAME, MAX_TRIED, CheckpointRepository
from madeira.app.workers.execute import execute
from madeira.models import DensityEstimator
from madeira.models.errors import MAX_REASON, NumericalError
from tests.app.running import Document, RunningService
from tests.models.mutations import MUTATIONS
from tests.models.small import save_small

ODD_NAMES = [
    b"not-utf-8-\xff",
    b"two\nlines",
    b"escape\x1b[31m",
    b"long" * 50,
    "rtl\u202e".encode(),
]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "1"
    save_small(path)
    return path


def all_finite(value: object) -> bool:
    """Whether nothing in an answer is null or no number."""
    if isinstance(value, dict):
        return all(map(all_finite, value.values()))
    if isinstance(value, list):
        return all(map(all_finite, value))
    return value is not None and (not isinstance(value, float) or math.isfinite(value))


def assert_bounded(refused: list[Document], directory: Path) -> None:
    for one in refused:
        assert 0 < len(one["reason"]) <= MAX_REASON
        assert len(one["name"]) <= MAX_NAME
        assert f"{one['name']}{one['reason']}".isprintable()
        assert str(directory) not in one["reason"]


def test_every_kind_of_checkpoint_is_refused_or_answers(
    start: Callable[..., RunningService], good: Path, tmp_path: Path
) -> None:
    kinds = {f"kind-{number}": kind for number, kind in enumerate(MUTATIONS)}
    shutil.copytree(good, tmp_path / "good" / "1")
    for name, kind in kinds.items():
        shutil.copytree(good, tmp_path / name / "1")
        MUTATIONS[kind](tmp_path / name / "1")
    for odd in ODD_NAMES:
        shutil.copytree(good, tmp_path / os.fsdecode(odd) / "1")
    service = start(checkpoints=tmp_path, reload_interval_s=0, default_model="good")
    listed = service.client.get("/models").json()
    assert_bounded(listed["refused"], tmp_path)
    served = {model["name"] for model in listed["models"]}
    refused = {one["name"] for one in listed["refused"]}
    assert "good" in served
    assert served | refused >= set(kinds)
    assert len(refused - set(kinds)) == len(ODD_NAMES)
    rows = [{"b": True, "c": "p", "x": 0.5, "n": 3}]
    for name in served:
        answers = [
            service.post("/score", {"model": name, "rows": rows}),
            service.post("/sample", {"model": name, "n": 3, "seed": 1}),
            service.post("/impute", {"model": name, "rows": rows, "seed": 1}),
        ]
        assert all(all_finite(answer) for answer in answers), kinds.get(name)
        service.client.get(f"/models/{name}").raise_for_status()
    assert served - {"good"} <= {name for name, kind in kinds.items() if kind in HARMLESS_HERE}
    assert service.client.get("/metrics").status_code == 200
    assert service.client.get("/health/ready").status_code == 200


HARMLESS_HERE = {
    "biases of 3e38",
    "a scale of 1e-320",
    "a scale of 1e308",
    "a resolution of 1e-300",
    "a transform of width 1e-300",
    "a shift of 1e308",
    "a minimum of -1e308",
    "a resolution of 1e300",
    "counts of 70 bits",
    "fixed order said to be any-order",
}
"""Kinds that describe another model than was trained, and one that computes."""


@pytest.mark.parametrize("kind", ["weights of 1e38", "no members"])
def test_a_version_that_cannot_compute_leaves_the_one_before_it(
    start: Callable[..., RunningService], good: Path, tmp_path: Path, kind: str
) -> None:
    shutil.copytree(good, tmp_path / "small" / "1")
    service = start(checkpoints=tmp_path, reload_interval_s=0)
    expected = service.post("/score", {"rows": [{"c": "p"}]})
    shutil.copytree(good, tmp_path / "small" / "2")
    MUTATIONS[kind](tmp_path / "small" / "2")
    told = service.post("/models/small/reload", None)
    assert (told["version"], [one["version"] for one in told["refused"]]) == ("1", ["2"])
    assert_bounded(told["refused"], tmp_path)
    assert service.post("/score", {"rows": [{"c": "p"}]}) == expected
    page = service.client.get("/metrics").text
    assert 'madeira_model_loads_total{model="small",result="failed"} 1.0' in page


def test_a_result_that_is_not_finite_is_an_error(good: Path) -> None:
    estimator = DensityEstimator.load(good)
    rows, density = estimator.schema.encode(estimator.sample(2, seed=0)), estimator.density
    for member in density.members:
        for weight in member.network.parameters():
            weight.fill_(1e38)
    with pytest.raises(NumericalError, match="not a finite number"):
        execute(ScoreJob(ModelKey("small", "1"), rows, contributions=False), density)


def test_the_highest_versions_are_tried_and_others_not(good: Path, tmp_path: Path) -> None:
    for version in range(1, MAX_TRIED + 5):
        (tmp_path / "small" / str(version)).mkdir(parents=True)
    for name in ("01", "1" * 5000, "9" * 10, "٣", "-1", "1.0"):
        try:
            (tmp_path / "small" / name).mkdir()
        except OSError:  # too long for this file system
            continue
    found = CheckpointRepository(tmp_path, {}).candidates("small")
    assert found == [str(version) for version in range(MAX_TRIED + 4, 4, -1)]
    assert CheckpointRepository(tmp_path, {"small": "2"}).candidates("small") == ["2"]
