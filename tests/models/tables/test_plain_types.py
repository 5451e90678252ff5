"""Types that Arrow or pandas have, and columns do not, are modelled as plainer ones."""

import uuid
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from madeira.models import DensityEstimator, TableError, TableFileError, read_table
from madeira.models.tables.rows import rows_of
from tests.models.tables.conftest import SMALL

ROWS = 120
X = np.random.default_rng(0).normal(size=ROWS)
CELLS = [*X[:-1], np.nan]
TEXTS = ["u", "v", None] * (ROWS // 3)
UUIDS = [uuid.UUID(int=row % 4) for row in range(ROWS)]
MONTHS = pd.PeriodIndex(pd.date_range("2019-01-07", periods=ROWS, freq="9D"), freq="M")

ARROW = {
    "view": pa.array(TEXTS, pa.string_view()),
    "dictionary of views": pa.array(TEXTS, pa.string_view()).dictionary_encode(),
    "runs": pa.RunEndEncodedArray.from_arrays(
        pa.array([60, ROWS], pa.int32()), pa.array(["u", "v"])
    ),
    "uuids": pa.array([one.bytes for one in UUIDS], pa.uuid()),
}
PANDAS = {
    "cut": pd.cut(CELLS, 4),
    "quantiles": pd.qcut(CELLS, 4),
    "intervals": pd.array(pd.cut(CELLS, 4).astype("interval[float64, right]")),
    "months": MONTHS,
    "uuids": UUIDS,
    "sparse": pd.arrays.SparseArray([0, 0, 7] * (ROWS // 3)),
}


@pytest.mark.filterwarnings("ignore::madeira.models.TrainingWarning")
@pytest.mark.parametrize("name", ARROW)
def test_arrow_types_are_modelled_and_filled(name: str) -> None:
    table = pa.table({"c": ARROW[name], "x": X})
    estimator = DensityEstimator(config=SMALL).fit(table)
    assert [column.name for column in estimator.schema.columns] == ["c", "x"]
    filled = estimator.impute(table, seed=0)
    assert filled["c"].null_count == 0
    cells = zip(table["c"].to_pylist(), filled["c"].to_pylist(), strict=True)
    assert all(before in (None, after) for before, after in cells)
    if "dictionary" not in name:
        assert filled.schema.field("c").type == table.schema.field("c").type
    assert np.isfinite(estimator.log_prob(estimator.sample(3, seed=0))).all()


@pytest.mark.filterwarnings("ignore::madeira.models.TrainingWarning")
@pytest.mark.parametrize("name", PANDAS)
def test_pandas_types_are_modelled_and_come_back(name: str) -> None:
    frame = pd.DataFrame({"c": PANDAS[name], "x": X})
    estimator = DensityEstimator(config=SMALL).fit(frame)
    assert [column.name for column in estimator.schema.columns] == ["c", "x"]
    filled, drawn = estimator.impute(frame, seed=0), estimator.sample(5, seed=0)
    known = frame["c"].notna()
    assert filled["c"].notna().all()
    assert filled["c"][known].tolist() == frame["c"][known].tolist()
    if name not in ("uuids", "intervals"):
        assert drawn["c"].dtype == frame["c"].dtype
    if name in ("cut", "quantiles", "intervals"):
        assert set(drawn["c"]) <= set(frame["c"])
    assert np.isfinite(estimator.log_prob(drawn)).all()


def test_unknown_zone_is_one_sentence(tmp_path: Path) -> None:
    table = pa.table({"t": pa.array([0, 1], pa.timestamp("s", "Mars/Olympus"))})
    said = "column 't': its time zone 'Mars/Olympus' is not known here; give times in UTC"
    with pytest.raises(TableError, match=said):
        rows_of(table)
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(TableFileError, match=said):
        read_table(tmp_path / "t.parquet")
