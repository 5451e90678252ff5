"""Models are served from the user's own directory and the bundled one; the user's come first."""

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from madeira.app.settings import Settings
from madeira.models import DensityEstimator
from madeira.models.model_directories import (
    bundled_directory,
    checkpoint_path,
    default_search_path,
    directories_of,
    model_names,
    own_directory,
)
from tests.app.running import RunningService
from tests.house.tree import ROOT, project_files


def joined(*directories: Path) -> Path:
    return Path(os.pathsep.join(map(str, directories)))


def test_own_models_come_before_the_bundled_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert own_directory() == tmp_path / "madeira" / "models"
    assert directories_of(default_search_path()) == (own_directory(), bundled_directory())
    assert {"digits", "loans", "penguins"} <= set(model_names(bundled_directory()))
    assert directories_of(Settings.read().search_path) == (own_directory(), bundled_directory())
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert own_directory() == tmp_path / "home" / ".local" / "share" / "madeira" / "models"


def test_a_search_path_names_directories_once(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    (two / "shop" / "1").mkdir(parents=True)
    path = joined(one, two, one)
    assert directories_of(path) == (one, two)
    assert checkpoint_path(path, "shop", "1") == two / "shop" / "1"
    assert checkpoint_path(path, "shop", "2") == one / "shop" / "2"
    relative = Settings.read(checkpoints=joined(Path("a"), Path("b"))).search_path
    assert directories_of(relative) == (Path("a").absolute(), Path("b").absolute())


def test_both_are_served_and_of_one_name_the_first(
    start: Callable[..., RunningService],
    checkpoints: Path,
    estimator: DensityEstimator,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    own, bundled = tmp_path / "own", tmp_path / "bundled"
    shutil.copytree(checkpoints / "shop", bundled / "shop")
    shutil.copytree(checkpoints / "shop" / "1", bundled / "shop" / "7")
    shutil.copytree(checkpoints / "shop", bundled / "fair")
    with caplog.at_level(logging.INFO, "madeira.app.registry.checkpoints"):
        service = start(checkpoints=joined(own, bundled), reload_interval_s=0)
    served = {
        model["name"]: model["version"] for model in service.client.get("/models").json()["models"]
    }
    assert served == {"fair": "1", "shop": "7"}

    saved = estimator.save_version(own / "shop", others=[bundled / "shop"])
    assert saved == own / "shop" / "8"
    saved.rename(own / "shop" / "2")
    with caplog.at_level(logging.INFO, "madeira.app.registry.checkpoints"):
        assert service.post("/models/shop/reload", None)["version"] == "2"
    assert f"shop of {own} is served in the place of the one in {bundled}" in caplog.text
    service.post("/score", {"model": "shop", "version": "2", "rows": [{"city": "Funchal"}]})


def test_what_is_said_where_there_is_no_model_is_true(
    start: Callable[..., RunningService], tmp_path: Path
) -> None:
    service = start(checkpoints=tmp_path / "none", reload_interval_s=0)
    detail = service.refuse("/score", {"rows": []}, 503)["detail"]
    assert "`madeira train DATA --name NAME` makes one" in detail
    assert "refused" not in detail
    (tmp_path / "none" / "shop" / "1").mkdir(parents=True)
    service.client.post("/models/shop/reload")
    assert "all were refused" in service.refuse("/score", {"rows": []}, 503)["detail"]


def test_a_wheel_brings_the_bundled_models(tmp_path: Path) -> None:
    for path in project_files():
        if path.parts[0] in ("app", "models", "madeira", "checkpoints") or len(path.parts) == 1:
            target = tmp_path / "project" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, target)
    for room in ("app", "models"):  # links of git, which lists no files behind them
        (tmp_path / "project" / "madeira" / room).symlink_to(f"../{room}")
    subprocess.run(
        [sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(tmp_path / "built")],
        cwd=tmp_path / "project",
        capture_output=True,
        check=True,
    )
    bundled = tmp_path / "built" / "madeira" / "models" / "bundled"
    assert model_names(bundled) == ["digits", "loans", "penguins"]
    for name in model_names(bundled):
        DensityEstimator.load(bundled / name / "1")
    program = (
        "from madeira.models.model_directories import bundled_directory; print(bundled_directory())"
    )
    said = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "built")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == str(bundled)
