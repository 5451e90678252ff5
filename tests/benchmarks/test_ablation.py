"""Every setting of the ablation trains, and is measured by what it can answer."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import ablation


@pytest.fixture
def some_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Three columns of which two hang together, some values missing."""
    generator = np.random.default_rng(0)
    size = generator.gamma(2.0, 10.0, 1_700).round(2)
    table = pa.table(
        {
            "size": size,
            "weight": pa.array(2 * size + generator.normal(size=1_700), mask=size > 60),
            "kind": np.where(size > 15, "large", "small"),
        }
    )
    (tmp_path / "tabular").mkdir()
    pq.write_table(table, tmp_path / "tabular" / "some.parquet")
    monkeypatch.setenv("MADEIRA_DATA", str(tmp_path))
    return "some"


@pytest.mark.parametrize("label", ["base", "five layers", "4 logistics"])
def test_an_any_order_network_answers_evidence_too(label: str, some_table: str) -> None:
    found = ablation.measure(ablation.SETTINGS[label], some_table, rows=150, steps=2)
    assert set(found) == {*ablation.MEASURES, "seconds"}
    assert np.isfinite([*found.values()]).all()


def test_a_network_of_one_ordering_answers_complete_rows_alone(some_table: str) -> None:
    setting = ablation.SETTINGS["natural ordering alone"]
    found = ablation.measure(setting, some_table, rows=150, steps=2)
    assert found["complete"] == pytest.approx(found["one ordering"])
    assert "evidence" not in found


def test_every_setting_is_one_that_training_takes() -> None:
    configs = [ablation.config_of(setting, steps=7) for setting in ablation.SETTINGS.values()]
    assert all(config.members[0].training.max_steps == 7 for config in configs)
    assert len({str(config) for config in configs}) == len(configs) - 2  # those of the logistics
