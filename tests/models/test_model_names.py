"""A checkpoint is found by its directory, by that of its model, and by the name of the model."""

from pathlib import Path

import pytest

from madeira.models import CheckpointError, DensityEstimator
from madeira.models.model_directories import bundled_directory, find_checkpoint


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Make a directory of models with what marks a checkpoint, two versions of `shop`."""
    for version in ("9", "10"):
        (tmp_path / "shop" / version).mkdir(parents=True)
        (tmp_path / "shop" / version / "config.json").write_text("{}")
    return tmp_path


def test_a_name_is_the_latest_version(directory: Path) -> None:
    assert find_checkpoint("shop", search_path=directory) == directory / "shop" / "10"
    assert find_checkpoint("shop", "9", directory) == directory / "shop" / "9"


def test_a_path_is_a_version_or_a_model(directory: Path) -> None:
    shop = directory / "shop"
    assert find_checkpoint(shop) == find_checkpoint(str(shop)) == shop / "10"
    assert find_checkpoint(shop / "9") == find_checkpoint(f"{shop}/9") == shop / "9"


def test_what_is_not_there_is_told_with_what_there_is(directory: Path) -> None:
    with pytest.raises(CheckpointError, match=r"Did you mean 'shop'\? There are: shop"):
        find_checkpoint("shp", search_path=directory)
    with pytest.raises(CheckpointError, match="no version '11'; there are: 9, 10"):
        find_checkpoint("shop", "11", directory)
    with pytest.raises(CheckpointError, match="is not a directory"):
        find_checkpoint("shop", search_path=directory / "no")


def test_a_bundled_model_is_loaded_by_its_name() -> None:
    by_name = DensityEstimator.load("penguins")
    by_path = DensityEstimator.load(bundled_directory() / "penguins" / "1")
    assert by_name.metrics == by_path.metrics
