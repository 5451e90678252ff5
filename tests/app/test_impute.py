"""`POST /impute`: gaps are filled as the estimator fills them, and nothing else is touched."""

from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madeira.models import DensityEstimator
from madeira.models.estimate_names import Estimate
from tests.app.alike import as_rows, assert_rows_alike
from tests.app.running import RunningService

MODELLED = ["city", "member", "income", "visits", "joined", "born", '100% "risk"']
DISCRETE = {"city", "member", '100% "risk"'}


@pytest.mark.parametrize("estimate", get_args(Estimate))
def test_gaps_are_filled_as_the_estimator_fills_them(
    service: RunningService, estimator: DensityEstimator, shop_table: pa.Table, estimate: Estimate
) -> None:
    part = shop_table.slice(0, 60)
    answer = service.post("/impute", {"rows": as_rows(part), "seed": 9, "estimate": estimate})
    expected = estimator.impute(part, seed=9, estimate=estimate)
    assert isinstance(expected, pa.Table)
    assert set(answer) == {"model", "seed", "rows", "imputed"}
    assert_rows_alike(answer["rows"], as_rows(expected))
    for got, sent in zip(answer["rows"], as_rows(part), strict=True):
        assert {name: got[name] for name in sent if sent[name] is not None} == {
            name: value for name, value in sent.items() if value is not None
        }


def test_each_filled_cell_is_listed_with_its_uncertainty(
    service: RunningService, shop_table: pa.Table
) -> None:
    rows = as_rows(shop_table.slice(0, 60))
    rows[3] = {}
    answer = service.post("/impute", {"rows": rows, "seed": 1})
    gaps = [(n, name) for n, row in enumerate(rows) for name in MODELLED if row.get(name) is None]
    assert [(cell["row"], cell["column"]) for cell in answer["imputed"]] == gaps
    for cell in answer["imputed"]:
        assert answer["rows"][cell["row"]][cell["column"]] == cell["value"]
        if cell["column"] in DISCRETE:
            assert set(cell) == {"row", "column", "value", "probability"}
            assert 0 < cell["probability"] <= 1
        else:
            assert set(cell) == {"row", "column", "value", "interval"}
            low, high = cell["interval"]
            assert type(low) is type(high) is type(cell["value"])
            assert low <= high


def test_several_draws_are_several_tables(service: RunningService, shop_table: pa.Table) -> None:
    rows = [*as_rows(shop_table.slice(0, 30)), {}]
    answer = service.post("/impute", {"rows": rows, "draws": 4, "seed": 2})
    assert len(answer["rows"]) == 4
    assert all(len(table) == len(rows) for table in answer["rows"])
    for cell in answer["imputed"]:
        drawn = [table[cell["row"]][cell["column"]] for table in answer["rows"]]
        assert cell["values"] == drawn
        assert "value" not in cell
        assert ("interval" in cell) == (cell["column"] not in DISCRETE)
    assert len({str(table[-1]) for table in answer["rows"]}) > 1


def test_both_forms_are_filled_alike(service: RunningService, shop_table: pa.Table) -> None:
    rows = as_rows(shop_table.slice(0, 30))
    names = list(rows[0])
    data = [[row[name] for name in names] for row in rows]
    by_rows = service.post("/impute", {"rows": rows, "seed": 5})
    by_data = service.post("/impute", {"columns": names, "data": data, "seed": 5})
    assert by_rows == by_data


def test_a_column_that_is_not_there_is_filled(service: RunningService) -> None:
    answer = service.post("/impute", {"columns": ["city"], "data": [["Funchal"], ["Machico"]]})
    assert [row["city"] for row in answer["rows"]] == ["Funchal", "Machico"]
    assert all(set(row) == set(MODELLED) for row in answer["rows"])
    assert len(answer["imputed"]) == 2 * (len(MODELLED) - 1)


def test_no_rows_have_no_results(service: RunningService) -> None:
    assert service.post("/impute", {"rows": [], "seed": 1}) == {
        "model": {"name": "shop", "version": "1"},
        "seed": 1,
        "rows": [],
        "imputed": [],
    }
    assert service.post("/impute", {"rows": [], "draws": 2})["rows"] == [[], []]


def test_a_complete_table_comes_back_as_it_is(
    service: RunningService, shop_table: pa.Table
) -> None:
    rows = [row for row in as_rows(shop_table) if None not in row.values()]
    answer = service.post("/impute", {"rows": rows})
    assert answer["rows"] == rows
    assert answer["imputed"] == []


def test_a_seed_repeats_and_no_seed_does_not(service: RunningService) -> None:
    request = {"rows": [{"city": "Funchal"}] * 3}
    first, second = service.post("/impute", request), service.post("/impute", request)
    assert first["rows"] != second["rows"]
    assert service.post("/impute", {**request, "seed": first["seed"]}) == first


JSON_NUMBERS = st.one_of(
    st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False)
)
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "city": st.text(),
    "member": st.booleans(),
    "income": JSON_NUMBERS,
    "visits": st.integers(-(2**53), 2**53),
    '100% "risk"': st.text(max_size=5),
    "note": st.recursive(
        st.none() | st.booleans() | JSON_NUMBERS | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ),
}


@settings(max_examples=60)
@given(
    rows=st.lists(
        st.fixed_dictionaries({}, optional={k: st.none() | v for k, v in CELLS.items()}),
        max_size=6,
    ),
    draws=st.integers(1, 3),
)
def test_observed_cells_survive_whatever_they_hold(
    service: RunningService, rows: list[dict[str, Any]], draws: int
) -> None:
    answer = service.post("/impute", {"rows": rows, "draws": draws})
    tables = answer["rows"] if draws > 1 else [answer["rows"]]
    for table in tables:
        for sent, filled in zip(rows, table, strict=True):
            assert set(filled) == set(sent) | set(MODELLED)
            assert all(filled[name] is not None for name in MODELLED)
            for name, value in sent.items():
                if value is not None or name not in MODELLED:
                    assert filled[name] == value
                    assert type(filled[name]) is type(value)


def test_intervals_are_as_wide_as_the_spread(service: RunningService) -> None:
    request = {"rows": [{"city": "Funchal"}] * 50, "seed": 3}
    answer = service.post("/impute", request)
    cells = [cell for cell in answer["imputed"] if cell["column"] == "income"]
    within = np.mean([c["interval"][0] <= c["value"] <= c["interval"][1] for c in cells])
    assert within > 0.75
